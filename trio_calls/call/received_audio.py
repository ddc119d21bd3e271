"""The audio that came in, on its way to whoever listens."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Final, Self

import trio

from trio_calls.call.shared_turn import SharedTurn
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.wire.media import CALL_CHANNEL

#: Channels beyond this number are not kept for a listener who may never come.
MAX_UNCLAIMED_CHANNELS: Final = 8


class AudioStream:
    """One listener's view of a call's audio: an asynchronous iterator of PCM frames.

    Got from `ActiveCall.audio_stream`. Every stream sees every frame, from its creation on; the
    first one also sees what came before it. A stream that is not read keeps the newest
    `ClientConfig.receive_buffer_seconds` and drops what is older.
    """

    def __init__(self, buffer_bytes: int, turn: SharedTurn) -> None:
        self._buffer_bytes = buffer_bytes
        self._turn = turn
        self._frames: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_ended = False
        self._news = Wakeup()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Receive the next frame, waiting if there is none.

        Returns:
          bytes: mono signed 16-bit little-endian PCM, as the exchange framed it (20 ms is 960
          bytes at 24 kHz).

        Raises:
          StopAsyncIteration: the call has ended, and everything received was delivered.

        Cancellation: atomic; no frame is lost. Always a checkpoint.
        """
        if self._frames or self._has_ended:
            await trio.lowlevel.checkpoint()
        while not self._frames:
            if self._has_ended:
                raise StopAsyncIteration
            await self._news.wait()
        self._turn.is_given = True
        frame = self._frames.popleft()
        self._waiting_bytes -= len(frame)
        return frame

    def _deliver(self, pcm: bytes) -> int:
        """Add a frame. Returns how many frames had to be dropped for it."""
        self._frames.append(pcm)
        self._waiting_bytes += len(pcm)
        dropped = 0
        while self._waiting_bytes > self._buffer_bytes:
            self._waiting_bytes -= len(self._frames.popleft())
            dropped += 1
        self._news.wake()
        return dropped

    def _end(self) -> None:
        self._has_ended = True
        self._news.wake()


class ReceivedAudio:
    """Hands each frame to every `AudioStream` of its channel.

    Attributes:
      frames: how many frames came.
      bytes: how many bytes of PCM that was.
      dropped_frames: how many frames were dropped, summed over the streams.
    """

    def __init__(self, buffer_bytes: int, turn: SharedTurn) -> None:
        self.frames = 0
        self.bytes = 0
        self.dropped_frames = 0
        self._buffer_bytes = buffer_bytes
        self._turn = turn
        self._has_ended = False
        # What came on a channel before anybody listened to it; handed to the first who does.
        self._unclaimed: dict[int, AudioStream] = {}
        # Weak: a stream that the application let go of must not be filled any longer.
        self._streams: dict[int, list[weakref.ref[AudioStream]]] = {}

    def subscribe(self, channel: int = CALL_CHANNEL) -> AudioStream:
        """Make a new stream of a channel."""
        if channel in self._streams:
            stream = AudioStream(self._buffer_bytes, self._turn)
        else:
            stream = self._unclaimed.pop(channel, AudioStream(self._buffer_bytes, self._turn))
        references = self._streams.setdefault(channel, [])
        references.append(weakref.ref(stream, references.remove))
        if self._has_ended:
            stream._end()
        return stream

    def deliver(self, channel: int, pcm: bytes) -> None:
        """Hand a frame on. Never waits."""
        self.frames += 1
        self.bytes += len(pcm)
        references = self._streams.get(channel)
        if references is None:
            self._keep_unclaimed(channel, pcm)
        else:
            # A copy: the garbage collector may take a reference out of the list at any time.
            for reference in tuple(references):
                if (stream := reference()) is not None:
                    self.dropped_frames += stream._deliver(pcm)

    def _keep_unclaimed(self, channel: int, pcm: bytes) -> None:
        if channel not in self._unclaimed:
            if len(self._unclaimed) == MAX_UNCLAIMED_CHANNELS:
                self.dropped_frames += 1
                return
            self._unclaimed[channel] = AudioStream(self._buffer_bytes, self._turn)
        self.dropped_frames += self._unclaimed[channel]._deliver(pcm)

    def end(self) -> None:
        """End every stream, after what it still holds. Later ones end at once."""
        self._has_ended = True
        for references in self._streams.values():
            for reference in tuple(references):
                if (stream := reference()) is not None:
                    stream._end()
