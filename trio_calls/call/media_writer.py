"""What an agent sends on a call's media connection: commands at once, audio as it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import trio

from trio_calls.call.shared_turn import SharedTurn
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.errors import BufferClosedError, BufferFullError, WSSCallClosedError
from trio_calls.transport import WebSocket, WebSocketClosed
from trio_calls.wire.outgoing_audio import OutgoingAudio

#: Seconds beyond the queue's own duration that a flush may take.
FLUSH_SECONDS: Final = 2.0

Pcm = bytes | bytearray | memoryview

_BYTES_TYPES: Final = (bytes, bytearray)


class MediaWriter:
    """Sends a call's commands and audio, and tells those who wait how far it has got.

    What the connection takes at once is sent at once, by whoever comes up with it: the handler that
    has audio, the reader that got credit. There is no checkpoint in that, so that nobody can be
    cancelled in the middle of a message. All else is left to `run`, which no application cancels.
    """

    def __init__(self, audio: OutgoingAudio, bytes_per_second: int, turn: SharedTurn) -> None:
        self._audio = audio
        self._bytes_per_second = bytes_per_second
        self._commands: list[str] = []
        self._websocket: WebSocket | None = None
        self._is_gathering = False
        # Whether there is something that the connection did not take at once.
        self._has_rest = False
        self._rest = trio.lowlevel.ParkingLot()
        self._delivered_position = 0
        self._progress = Wakeup()
        # How many tasks wait for room, and which is the next.
        self._queueing = 0
        self._line = trio.StrictFIFOLock()
        self._turn = turn
        self._has_ended = False

    def open(self, websocket: WebSocket) -> None:
        """Take note that the connection stands."""
        self._websocket = websocket
        self.write()

    async def run(self, websocket: WebSocket) -> None:
        """Send what the connection does not take at once, until it is over.

        Cancellation: half a message may have been sent.
        """
        try:
            # A connection that is over is the reader's to notice.
            with suppress(WebSocketClosed):
                while True:
                    while not self._has_rest:
                        await self._rest.park()
                    await websocket.send()
                    self._has_rest = False
                    self._note_delivery()
                    self.write()
        finally:
            self._websocket = None

    def send_command(self, frame: str) -> None:
        """Send a command's frame, ahead of all audio that waits. Never waits."""
        self._commands.append(frame)
        self.write()

    async def send_audio(self, pcm: Pcm) -> None:
        """Queue `pcm` as soon as there is room for all of it, after those who waited before."""
        samples = pcm if type(pcm) is bytes and not len(pcm) % 2 else _samples(pcm)
        audio = self._audio
        has_room = len(audio.waiting) + len(samples) <= audio.capacity_bytes
        if has_room and not self._queueing and not self._has_ended:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._put(samples)
            if self._turn.is_given:
                self._turn.is_given = False
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
        self._queueing += 1
        try:
            async with self._line:
                audio = self._audio
                while not self._has_ended and len(audio.waiting) + len(pcm) > audio.capacity_bytes:
                    await self._progress.wait()
                if self._has_ended:
                    raise BufferClosedError("the call ended before there was room for this audio")
                self._put(pcm)
        finally:
            self._queueing -= 1

    def send_audio_nowait(self, pcm: Pcm) -> None:
        """Queue `pcm` now, or not at all."""
        samples = _samples(pcm)
        if self._queueing:
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
        if not self._has_rest:
            self._note_delivery()
        return dropped

    def end(self) -> None:
        """Let go of everyone who waits: the call is over."""
        self._has_ended = True
        self._progress.wake()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Send nothing inside the block, and all there is in one go at its end."""
        self._is_gathering = True
        try:
            yield
        finally:
            self._is_gathering = False
            self.write()

    # A KeyboardInterrupt between two of its steps would lose what is being sent.
    @trio.lowlevel.enable_ki_protection
    def write(self) -> None:
        """Send what there is to send, as far as credit reaches. Never waits."""
        if self._websocket is None or self._is_gathering:
            return
        while not self._has_rest and (messages := self._take()):
            self._transmit(self._websocket, *messages)
        self._progress.wake()

    @trio.lowlevel.enable_ki_protection
    def _put(self, pcm: Pcm) -> None:
        if (
            self._websocket is None
            or self._has_rest
            or self._is_gathering
            or (message := self._audio.spend(pcm)) is None
        ):
            self._audio.put(pcm)
            self.write()
        else:
            self._transmit(self._websocket, message)

    def _transmit(self, websocket: WebSocket, *messages: str | bytes) -> None:
        try:
            is_sent = websocket.send_nowait(*messages)
        except WebSocketClosed:
            # The reader will notice that, too. Nothing more is sent.
            self._has_rest = True
            return
        if is_sent:
            self._delivered_position = self._audio.sent_position
        else:
            self._has_rest = True
            self._rest.unpark()

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
        """Note that what was taken is on the wire."""
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
