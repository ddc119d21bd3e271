"""The audio that came in, on its way to whoever listens.

::

    reader of the media connection ── deliver() ──► a bounded queue for each AudioStream ── listener
                                           └──────► a bounded queue for a channel without listeners

Delivering never waits: a listener that is slow or gone costs its own oldest frames, and nobody
else's. Streams are held weakly, so that one that the application has dropped is not filled any
longer.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import Final, Self

import trio

from trio_calls.call.audio_tap import AudioTap
from trio_calls.call.checkpoint_credit import CheckpointCredit
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.wire.names import CALL_CHANNEL

#: Channels beyond this number are not kept for a listener who may never come.
MAX_UNCLAIMED_CHANNELS: Final = 8


class AudioStream:
    """One listener's view of a call's audio: an asynchronous iterator of PCM frames.

    Got from `ActiveCall.audio_stream`. Every stream sees every frame, from its creation on; the
    first one also sees what came before it. A stream that is not read keeps the newest
    `ClientConfig.receive_buffer_seconds`, at the least one frame, and drops what is older.

    Attributes:
      waiting_bytes: how much came and was not taken.
      dropped_frames: how many frames were dropped, as they were not taken in time.
    """

    def __init__(self, buffer_bytes: int, credit: CheckpointCredit, over: trio.Event) -> None:
        self.waiting_bytes: int = 0
        self.dropped_frames: int = 0
        self._buffer_bytes = buffer_bytes
        self._credit = credit
        self._over = over
        self._frames: deque[bytes] = deque()
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
        if self._frames or self._over.is_set():
            await trio.lowlevel.checkpoint()
        while not self._frames:
            if self._over.is_set():
                raise StopAsyncIteration
            await self._news.wait()
        self._credit.is_available = True
        frame = self._frames.popleft()
        self.waiting_bytes -= len(frame)
        return frame

    def _deliver(self, pcm: bytes) -> int:
        """Add a frame. Returns how many frames had to be dropped for it."""
        self._frames.append(pcm)
        self.waiting_bytes += len(pcm)
        dropped = 0
        # The newest frame is kept, however long: the exchange decides how much is in a message.
        while self.waiting_bytes > self._buffer_bytes and len(self._frames) > 1:
            self.waiting_bytes -= len(self._frames.popleft())
            dropped += 1
        self.dropped_frames += dropped
        self._news.wake()
        return dropped

    def _wake(self) -> None:
        self._news.wake()


class ReceivedAudio:
    """Hands each frame to every `AudioStream` of its channel.

    Attributes:
      frames: how many frames came.
      bytes: how many bytes of PCM that was.
      dropped_frames: how many frames were dropped, summed over the streams.
      taps: those who are told of each frame. Only `tapped` changes it.
    """

    def __init__(self, buffer_bytes: int, credit: CheckpointCredit, over: trio.Event) -> None:
        self.frames: int = 0
        self.bytes: int = 0
        self.dropped_frames: int = 0
        self.taps: list[AudioTap] = []
        self._buffer_bytes = buffer_bytes
        self._credit = credit
        self._over = over
        # What came on a channel before anybody listened to it; handed to the first who does.
        self._unclaimed: dict[int, AudioStream] = {}
        # Weak: a stream that the application let go of must not be filled any longer.
        self._streams: dict[int, list[weakref.ref[AudioStream]]] = {}

    def subscribe(self, channel: int = CALL_CHANNEL) -> AudioStream:
        """Make a new stream of a channel."""
        stream = None if channel in self._streams else self._unclaimed.pop(channel, None)
        if stream is None:
            stream = self._make_stream()
        references = self._streams.setdefault(channel, [])
        references.append(weakref.ref(stream, references.remove))
        return stream

    def _make_stream(self) -> AudioStream:
        return AudioStream(self._buffer_bytes, self._credit, self._over)

    def deliver(self, channel: int, pcm: bytes) -> None:
        """Hand a frame on. Never waits."""
        self.frames += 1
        self.bytes += len(pcm)
        for tap in self.taps:
            tap.received(channel, pcm)
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
            self._unclaimed[channel] = self._make_stream()
        self.dropped_frames += self._unclaimed[channel]._deliver(pcm)

    def wake(self) -> None:
        """Wake every stream, as the call is over. Each ends after what it still holds."""
        for references in self._streams.values():
            for reference in tuple(references):
                if (stream := reference()) is not None:
                    stream._wake()
