"""What an agent sends on a call's media connection: commands at once, audio as it is asked for.

Commands go ahead of all audio that waits. Audio goes out as far as the exchange's credit reaches;
what it has asked for already passes the queue, if nothing is before it in there, and is a message
as it is. Both are sent by whoever comes up with them: see `trio_calls.transport.eager_writer`.

Senders that find no room wait in line, so that none is overtaken. They wake up whenever something
has gone out, and when the call is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio

from trio_calls.call.checkpoint_credit import CheckpointCredit
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.errors import BufferClosedError, BufferFullError, WSSCallClosedError
from trio_calls.transport import EagerWriter
from trio_calls.wire.outgoing_audio import OutgoingAudio

#: Seconds beyond the queue's own duration that a flush may take.
FLUSH_SECONDS: Final = 2.0

Pcm = bytes | bytearray | memoryview

_BYTES_TYPES: Final = (bytes, bytearray)


class MediaWriter(EagerWriter):
    """Sends a call's commands and audio, and wakes those who wait for it to get somewhere.

    Args:
      audio: what waits to be sent, and the exchange's credit for it.
      bytes_per_second: of the call's audio.
      credit: of checkpoints, shared with the streams that the application listens to.
      over: set when the call is over.
    """

    def __init__(
        self,
        audio: OutgoingAudio,
        bytes_per_second: int,
        credit: CheckpointCredit,
        over: trio.Event,
    ) -> None:
        super().__init__()
        self._audio = audio
        self._bytes_per_second = bytes_per_second
        self._credit = credit
        self._over = over
        self._commands: list[str] = []
        self._delivered_position = 0
        self._progress = Wakeup()
        # How many tasks wait for room, and which is the next.
        self._waiting_senders = 0
        self._sender_turn = trio.StrictFIFOLock()

    def send_command(self, frame: str) -> None:
        """Send a command's frame, ahead of all audio that waits. Never waits."""
        self._commands.append(frame)
        self.write()

    async def send_audio(self, pcm: Pcm) -> None:
        """Queue `pcm` as soon as there is room for all of it, after those who waited before."""
        samples = pcm if type(pcm) is bytes and not len(pcm) % 2 else _samples(pcm)
        audio = self._audio
        has_room = len(audio.waiting) + len(samples) <= audio.capacity_bytes
        if has_room and not self._waiting_senders:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._put(samples)
            if self._credit.is_available:
                self._credit.is_available = False
            else:
                await trio.lowlevel.cancel_shielded_checkpoint()
        elif len(samples) <= audio.capacity_bytes:
            await self._send_in_turn(memoryview(samples))
        else:
            raise ValueError(
                f"{len(samples)} bytes of audio never fit into a queue of "
                f"{audio.capacity_bytes}: send it in pieces, or raise send_buffer_bytes"
            )

    async def _send_in_turn(self, pcm: Pcm) -> None:
        self._waiting_senders += 1
        try:
            async with self._sender_turn:
                audio = self._audio
                while not self._over.is_set() and (
                    len(audio.waiting) + len(pcm) > audio.capacity_bytes
                ):
                    await self._progress.wait()
                if self._over.is_set():
                    raise BufferClosedError("the call ended before there was room for this audio")
                self._put(pcm)
        finally:
            self._waiting_senders -= 1

    def send_audio_nowait(self, pcm: Pcm) -> None:
        """Queue `pcm` now, or not at all."""
        samples = _samples(pcm)
        if self._waiting_senders:
            raise BufferFullError("other audio is already waiting for room in the queue")
        self._put(samples)

    async def wait_audio_sent(self) -> None:
        """Wait until the exchange has pulled everything queued so far, or it was cleared."""
        position = self._flush()
        await self._wait_delivered(position)
        if self._delivered_position < position:
            raise WSSCallClosedError("the call ended before all audio was sent")

    async def drain_audio(self) -> None:
        """Wait as `wait_audio_sent`, but no longer than the exchange can reasonably take."""
        seconds = len(self._audio.waiting) / self._bytes_per_second + FLUSH_SECONDS
        with trio.move_on_after(seconds):
            await self._wait_delivered(self._flush())

    def clear_audio(self) -> int:
        """Drop what waits. Returns how many bytes that was."""
        dropped = self._audio.clear()
        if not self._has_unsent:
            self._note_delivery()
            self._progress.wake()
        return dropped

    def wake(self) -> None:
        """Wake everyone who waits, as the call is over."""
        self._progress.wake()

    @trio.lowlevel.enable_ki_protection
    def _put(self, pcm: Pcm) -> None:
        if (
            self._websocket is None
            or self._has_unsent
            or self._is_corked
            or (message := self._audio.spend(pcm)) is None
        ):
            self._audio.put(pcm)
            self.write()
        else:
            self._transmit(self._websocket, message)

    def _take(self) -> Sequence[str | bytes]:
        if self._commands:
            commands, self._commands = self._commands, []
            return commands
        return self._audio.take()

    def _flush(self) -> int:
        position = self._audio.flush()
        self.write()
        return position

    def _note_delivery(self) -> None:
        self._delivered_position = self._audio.sent_position

    def _note_progress(self) -> None:
        self._progress.wake()

    async def _wait_delivered(self, position: int) -> None:
        await trio.lowlevel.checkpoint()
        while self._delivered_position < position and not self._over.is_set():
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
