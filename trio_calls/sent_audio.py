"""The agent's audio, from the application to the writer of the media connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from trio_calls.errors import BufferClosedError, BufferFullError, WSSCallClosedError
from trio_calls.wakeup import Wakeup
from trio_calls.wire.media import CALL_CHANNEL, pack_audio
from trio_calls.wire.outgoing_audio import MAX_MESSAGE_BYTES, OutgoingAudio

#: Seconds beyond the queue's own duration that a flush may take.
FLUSH_SECONDS: Final = 2.0

Pcm = bytes | bytearray | memoryview

_BYTES_TYPES: Final = (bytes, bytearray)


class SentAudio:
    """Queues audio, and tells those who wait how far it has got.

    The application's tasks only ever touch the queue; the writer takes from it. So no cancellation
    of an application's task can cut a message in half.

    Attributes:
      has_more: whether the last `take` left something behind, which may be taken at once.
    """

    def __init__(
        self, audio: OutgoingAudio, bytes_per_second: int, write: Callable[[], None]
    ) -> None:
        self._audio = audio
        self._bytes_per_second = bytes_per_second
        self._write = write
        self._turn = trio.StrictFIFOLock()
        self._progress = Wakeup()
        self._delivered_position = 0
        self._is_delivering = False
        self._has_ended = False
        self.has_more = False

    async def send(self, pcm: Pcm) -> None:
        """Queue `pcm` as soon as there is room for all of it, after those who waited before."""
        samples = _samples(pcm)
        if self._has_room(samples) and not self._turn.locked() and not self._has_ended:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._audio.put(samples)
            self._write()
            await trio.lowlevel.cancel_shielded_checkpoint()
        elif len(samples) <= self._audio.capacity_bytes:
            await self._send_in_turn(memoryview(samples))
        else:
            raise ValueError(
                f"{len(samples)} bytes of audio never fit into a queue of "
                f"{self._audio.capacity_bytes}: send it in pieces, or raise send_buffer_bytes"
            )

    async def _send_in_turn(self, pcm: Pcm) -> None:
        async with self._turn:
            while not self._has_ended and not self._has_room(pcm):
                await self._progress.wait()
            if self._has_ended:
                raise BufferClosedError("the call ended before there was room for this audio")
            self._put(pcm)

    def send_nowait(self, pcm: Pcm) -> None:
        """Queue `pcm` now, or not at all."""
        samples = _samples(pcm)
        if self._turn.locked():
            raise BufferFullError("other audio is already waiting for room in the queue")
        self._put(samples)

    async def wait_sent(self) -> None:
        """Wait until the exchange has pulled everything queued so far, or it was cleared."""
        position = self._flush()
        await self._wait_delivered(position)
        if self._delivered_position < position:
            raise WSSCallClosedError("the call ended before all audio was sent")

    async def drain(self) -> None:
        """Wait as `wait_sent` does, but no longer than the exchange can reasonably take."""
        seconds = len(self._audio) / self._bytes_per_second + FLUSH_SECONDS
        with trio.move_on_after(seconds):
            await self._wait_delivered(self._flush())

    def clear(self) -> int:
        """Drop what waits. Returns how many bytes that was."""
        dropped = self._audio.clear()
        if not self._is_delivering:
            self._note_delivery()
        return dropped

    def end(self) -> None:
        """Let go of everyone who waits: the call is over."""
        self._has_ended = True
        self._progress.wake()

    def take(self) -> list[str | bytes]:
        """Cut the next messages for the writer, who reports with `delivered` when they are sent."""
        messages: list[str | bytes] = []
        taken_bytes = 0
        # No more than this: commands, and what drops the queue, wait for a send to end.
        while taken_bytes < MAX_MESSAGE_BYTES and (pcm := self._audio.take()) is not None:
            messages.append(pack_audio(CALL_CHANNEL, pcm))
            taken_bytes += len(pcm)
        self._is_delivering = bool(messages)
        self.has_more = taken_bytes >= MAX_MESSAGE_BYTES
        return messages

    def delivered(self) -> None:
        """Note that what was taken is on the wire."""
        self._is_delivering = False
        self._note_delivery()

    def _has_room(self, pcm: Pcm) -> bool:
        return len(self._audio) + len(pcm) <= self._audio.capacity_bytes

    def _put(self, pcm: Pcm) -> None:
        self._audio.put(pcm)
        self._write()

    def _flush(self) -> int:
        position = self._audio.flush()
        self._write()
        return position

    def _note_delivery(self) -> None:
        self._delivered_position = self._audio.sent_position
        self._progress.wake()

    async def _wait_delivered(self, position: int) -> None:
        await trio.lowlevel.checkpoint()
        while self._delivered_position < position and not self._has_ended:
            await self._progress.wait()


def _samples(pcm: Pcm) -> Pcm:
    """Check audio, and see it as bytes: a view of 16-bit items would count for half of them."""
    if not isinstance(pcm, _BYTES_TYPES):
        if not isinstance(pcm, memoryview):
            raise TypeError("audio must be bytes: mono signed 16-bit little-endian PCM")
        pcm = pcm.cast("B")
    if len(pcm) % 2:
        raise ValueError("audio must be whole 16-bit samples: the number of bytes must be even")
    return pcm
