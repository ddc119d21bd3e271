"""What a client has put on its connections: below the WebSocket library, byte by byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache

import attrs
import trio

from tests.support.peers.frames import BINARY, CLOSE, TEXT, Frame, split_frames
from trio_calls import ClientConfig
from trio_calls.transport import NowaitStream
from trio_calls.wire.codec import WireError, decode_media
from trio_calls.wire.control import CONTROL_PATH
from trio_calls.wire.media import BufferRequest, CommandRequest

_END_OF_HANDSHAKE = b"\r\n\r\n"


@lru_cache(maxsize=16)
def split_recording(data: bytes) -> tuple[list[Frame], bytes]:
    """Take apart what went one way on a connection, from the handshake on."""
    return split_frames(data.partition(_END_OF_HANDSHAKE)[2])


class RecordedWire(NowaitStream):
    """A connection that takes half of what it is given at once, and the rest after a checkpoint.

    So what is cancelled while it sends leaves half of it on the wire, as it could on a real network
    with a full buffer.

    Attributes:
      sent: every byte that went to the exchange.
      received: every byte that came from there.
      is_closed: whether the client has closed the connection.
      was_cut_by_peer: whether the exchange hung up while the client was sending.
    """

    def __init__(self, stream: NowaitStream) -> None:
        self.sent = bytearray()
        self.received = bytearray()
        self.is_closed = False
        self.was_cut_by_peer = False
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        sent_bytes = self.send_some_nowait(bytes(data))
        await trio.lowlevel.checkpoint()
        self._send(bytes(data[sent_bytes:]))

    def send_some_nowait(self, data: bytes) -> int:
        return self._send(data[: len(data) // 2])

    def _send(self, data: bytes) -> int:
        try:
            sent_bytes = self._stream.send_some_nowait(data)
        except trio.BrokenResourceError:
            self.was_cut_by_peer = True
            raise
        assert sent_bytes == len(data)
        self.sent += data
        return sent_bytes

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        self.received += data
        return data

    async def aclose(self) -> None:
        self.is_closed = True
        await self._stream.aclose()

    @property
    def half_frame(self) -> bytes:
        """What the exchange got of a frame whose rest it was still waiting for at the end."""
        has_hung_up = self.was_cut_by_peer or any(
            frame.opcode == CLOSE for frame in split_recording(bytes(self.received))[0]
        )
        return b"" if has_hung_up or self.was_only_set_up else self.unfinished

    @property
    def unfinished(self) -> bytes:
        """What went out after the last whole frame."""
        return split_recording(bytes(self.sent))[1]

    @property
    def was_only_set_up(self) -> bool:
        """Whether it is a control connection that was not used: one may be dropped as it is."""
        return CONTROL_PATH.encode() in self.sent and len(split_recording(bytes(self.sent))[0]) <= 1

    @property
    def commands(self) -> list[str]:
        """The names of the commands that went out, in order."""
        return [
            message.command
            for message in _messages(self.sent)
            if isinstance(message, CommandRequest)
        ]

    @property
    def audio(self) -> bytes:
        """The agent's audio that went out."""
        frames, _ = split_recording(bytes(self.sent))
        return b"".join(frame.payload[1:] for frame in frames if frame.opcode == BINARY)

    @property
    def open_credit_bytes(self) -> int:
        """How much more of the agent's audio the exchange has asked for than it got."""
        requested = sum(
            message.requested_bytes
            for message in _messages(self.received)
            if isinstance(message, BufferRequest)
        )
        return requested - len(self.audio)


def _messages(data: bytearray) -> Iterator[object]:
    for frame in split_recording(bytes(data))[0]:
        if frame.opcode == TEXT:
            with suppress(WireError):  # a control connection's
                yield decode_media(frame.payload.decode())


def recording(config: ClientConfig) -> tuple[ClientConfig, list[RecordedWire]]:
    """Make a config that does as another, and the list that its connections are added to."""
    open_stream = config.open_stream
    assert open_stream is not None
    wires: list[RecordedWire] = []

    async def open_recorded_stream(host: str, port: int) -> trio.abc.Stream:
        stream = await open_stream(host, port)
        assert isinstance(stream, NowaitStream)
        wires.append(RecordedWire(stream))
        return wires[-1]

    return attrs.evolve(config, open_stream=open_recorded_stream), wires


def check_wires(wires: Iterable[RecordedWire]) -> None:
    """Nothing is open, no frame was cut in half, no more audio was sent than was asked for."""
    for wire in wires:
        assert wire.is_closed
        assert wire.half_frame == b""
        assert wire.open_credit_bytes >= 0
