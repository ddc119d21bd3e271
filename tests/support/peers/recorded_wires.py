"""What a client has put on its connections: below the WebSocket library, byte by byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Final

import attrs
import trio

from tests.support.peers.frames import BINARY, CLOSE, TEXT, Frame, whole_frames
from trio_calls import ClientConfig
from trio_calls.config import WireName
from trio_calls.transport import NowaitStream
from trio_calls.wire.codec import WireError
from trio_calls.wire.commands import CommandRequest
from trio_calls.wire.first import codec as first_codec
from trio_calls.wire.first.media import BufferRequest
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.second import codec as second_codec
from trio_calls.wire.second.audio_frame import unpack_frame
from trio_calls.wire.second.media import Flow

_END_OF_HANDSHAKE = b"\r\n\r\n"


def _requested(messages: Iterable[object], bytes_per_ms: int) -> int:
    """Add up what the first wire asks for, in bytes."""
    return sum(each.requested_bytes for each in messages if isinstance(each, BufferRequest))


def _allowed(messages: Iterable[object], bytes_per_ms: int) -> int:
    """Return the most that the second wire has allowed, in bytes from the beginning."""
    flows = (each for each in messages if isinstance(each, Flow))
    return max((flow.drained_ms + flow.window_ms for flow in flows), default=0) * bytes_per_ms


@attrs.frozen
class Generation:
    """How one generation is read.

    Attributes:
      decode: reads a text frame of a media connection.
      pcm_of: returns the audio of a binary message.
      asked_for: returns how much audio these messages ask for, at so many bytes a millisecond.
    """

    decode: Callable[[str], object]
    pcm_of: Callable[[bytes], bytes]
    asked_for: Callable[[Iterable[object], int], int]


GENERATIONS: Final[dict[WireName, Generation]] = {
    "first": Generation(first_codec.decode_media, lambda message: message[1:], _requested),
    "second": Generation(
        second_codec.decode_media, lambda message: unpack_frame(message).pcm, _allowed
    ),
}


class Recorded:
    """What went one way on a connection. Each frame is taken apart once, however often one looks.

    Args:
      decode: reads a text frame of a media connection.

    Attributes:
      data: every byte.
    """

    def __init__(self, decode: Callable[[str], object]) -> None:
        self.data = bytearray()
        self._decode = decode
        # Where the handshake ends, if it has, and the last whole frame.
        self._begin = self._end = 0
        self._frames: list[Frame] = []
        self._messages: list[object] = []
        self._decoded_frames = 0

    @property
    def handshake(self) -> bytes:
        """All that came before the first frame."""
        self._take_apart()
        return bytes(self.data[: self._begin or None])

    @property
    def frames(self) -> list[Frame]:
        """The whole frames."""
        self._take_apart()
        return self._frames

    @property
    def unfinished(self) -> bytes:
        """What came after the last whole frame."""
        self._take_apart()
        return bytes(self.data[self._end :]) if self._begin else b""

    @property
    def messages(self) -> list[object]:
        """The messages of a media connection."""
        frames = self.frames
        for frame in frames[self._decoded_frames :]:
            if frame.opcode == TEXT:
                with suppress(WireError):  # a control connection's
                    self._messages.append(self._decode(frame.payload.decode()))
        self._decoded_frames = len(frames)
        return self._messages

    def _take_apart(self) -> None:
        """Take apart what has come since the last time."""
        if not self._begin:
            handshake, mark, _ = self.data.partition(_END_OF_HANDSHAKE)
            self._begin = self._end = len(handshake + mark) if mark else 0
        if self._begin:
            frames, self._end = whole_frames(self.data, self._end)
            self._frames += frames


class RecordedWire(NowaitStream):
    """A connection that takes half of what it is given at once, and the rest after a checkpoint.

    So what is cancelled while it sends leaves half of it on the wire, as it could on a real network
    with a full buffer.

    Args:
      stream: where it is passed on to.
      generation: what is spoken on it.
      bytes_per_ms: of the audio.

    Attributes:
      sent: what went to the exchange.
      received: what came from there.
      is_closed: whether the client has closed the connection.
      was_cut_by_peer: whether the exchange hung up while the client was sending.
    """

    def __init__(self, stream: NowaitStream, generation: Generation, bytes_per_ms: int) -> None:
        self.sent = Recorded(generation.decode)
        self.received = Recorded(generation.decode)
        self.is_closed = False
        self.was_cut_by_peer = False
        self._stream = stream
        self._generation = generation
        self._bytes_per_ms = bytes_per_ms

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
        self.sent.data += data
        return sent_bytes

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        self.received.data += data
        return data

    async def aclose(self) -> None:
        self.is_closed = True
        await self._stream.aclose()

    @property
    def half_frame(self) -> bytes:
        """What the exchange got of a frame whose rest it was still waiting for at the end."""
        has_hung_up = self.was_cut_by_peer or any(
            frame.opcode == CLOSE for frame in self.received.frames
        )
        return b"" if has_hung_up or self.was_only_set_up else self.unfinished

    @property
    def unfinished(self) -> bytes:
        """What went out after the last whole frame."""
        return self.sent.unfinished

    @property
    def was_only_set_up(self) -> bool:
        """Whether it is a control connection that was not used: one may be dropped as it is."""
        return CONTROL_PATH.encode() in self.sent.handshake and len(self.sent.frames) <= 1

    @property
    def commands(self) -> list[str]:
        """The names of the commands that went out, in order."""
        return [
            message.command for message in self.sent.messages if isinstance(message, CommandRequest)
        ]

    @property
    def audio(self) -> bytes:
        """The agent's audio that went out."""
        pcm_of = self._generation.pcm_of
        return b"".join(pcm_of(each.payload) for each in self.sent.frames if each.opcode == BINARY)

    @property
    def open_credit_bytes(self) -> int:
        """How much more of the agent's audio the exchange has asked for than it got."""
        asked_for = self._generation.asked_for(self.received.messages, self._bytes_per_ms)
        return asked_for - len(self.audio)


def recording(config: ClientConfig) -> tuple[ClientConfig, list[RecordedWire]]:
    """Make a config that does as another, and the list that its connections are added to."""
    open_stream = config.open_stream
    assert open_stream is not None
    wires: list[RecordedWire] = []
    new_wire = partial(
        RecordedWire,
        generation=GENERATIONS[config.wire],
        bytes_per_ms=config.audio_format.bytes_per_second // 1000,
    )

    async def open_recorded_stream(host: str, port: int) -> trio.abc.Stream:
        stream = await open_stream(host, port)
        assert isinstance(stream, NowaitStream)
        wires.append(new_wire(stream))
        return wires[-1]

    return attrs.evolve(config, open_stream=open_recorded_stream), wires


def check_wires(wires: Iterable[RecordedWire]) -> None:
    """Nothing is open, no frame was cut in half, no more audio was sent than was asked for."""
    for wire in wires:
        assert wire.is_closed
        assert wire.half_frame == b""
        assert wire.open_credit_bytes >= 0
