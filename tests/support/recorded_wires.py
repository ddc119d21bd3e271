"""What a client has put on its connections: below the WebSocket library, byte by byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import cycle
from operator import xor

import attrs
import trio

from trio_calls import ClientConfig
from trio_calls.transport import NowaitStream
from trio_calls.wire.codec import WireError, decode_media
from trio_calls.wire.control import CONTROL_PATH
from trio_calls.wire.media import BufferRequest, CommandRequest

_TEXT, _BINARY, _CLOSE = 1, 2, 8
_END_OF_HANDSHAKE = b"\r\n\r\n"


@lru_cache(maxsize=16)
def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Take apart what went one way on a WebSocket.

    Returns:
      Each whole frame's opcode and payload, and the bytes after the last whole frame.
    """
    _, _, rest = data.partition(_END_OF_HANDSHAKE)
    frames = []
    while (frame := _first_frame(rest)) is not None:
        opcode, payload, length = frame
        frames.append((opcode, payload))
        rest = rest[length:]
    return frames, rest


def _first_frame(data: bytes) -> tuple[int, bytes, int] | None:
    if len(data) < 2:
        return None
    is_masked, size = divmod(data[1], 128)
    start = 2
    if size >= 126:
        start += 2 if size == 126 else 8
        size = int.from_bytes(data[2:start], "big")
    mask = data[start : start + 4 * is_masked] or b"\0"
    start += 4 * is_masked
    if len(data) < start + size:
        return None
    payload = bytes(map(xor, data[start : start + size], cycle(mask)))
    return data[0] & 15, payload, start + size


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
            opcode == _CLOSE for opcode, _ in split_frames(bytes(self.received))[0]
        )
        return b"" if has_hung_up or self.was_only_set_up else self.unfinished

    @property
    def unfinished(self) -> bytes:
        """What went out after the last whole frame."""
        return split_frames(bytes(self.sent))[1]

    @property
    def was_only_set_up(self) -> bool:
        """Whether it is a control connection that was not used: one may be dropped as it is."""
        return CONTROL_PATH.encode() in self.sent and len(split_frames(bytes(self.sent))[0]) <= 1

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
        frames, _ = split_frames(bytes(self.sent))
        return b"".join(payload[1:] for opcode, payload in frames if opcode == _BINARY)

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
    for opcode, payload in split_frames(bytes(data))[0]:
        if opcode == _TEXT:
            with suppress(WireError):  # a control connection's
                yield decode_media(payload.decode())


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
