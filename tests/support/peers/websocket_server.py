"""A server's end of a WebSocket that is made of bytes, so that it can break any rule."""

from __future__ import annotations

import base64
import hashlib
import math
from contextlib import suppress

import attrs
import trio
import trio.testing

from tests.support.peers.frames import BINARY, CLOSE, PONG, TEXT, Frame, client_frames, close
from tests.support.peers.passing_stream import PassingStream
from tests.support.transports import Connect
from trio_calls.transport import WebSocket, WebSocketClosed

GOODBYE = close(1000)


class ChoppedStream(PassingStream):
    """What comes over it comes in pieces of a few bytes."""

    def __init__(self, stream: trio.abc.Stream, piece: float) -> None:
        super().__init__(stream)
        self._piece = piece

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        piece = min(self._piece, math.inf if max_bytes is None else max_bytes)
        return await super().receive_some(None if piece == math.inf else int(piece))


@attrs.define
class Conversation:
    """What became of a connection, at both of its ends.

    Attributes:
      received: the messages that the application got.
      frames: what came from the client after the handshake.
    """

    received: list[str | bytes] = attrs.field(factory=list)
    frames: list[Frame] = attrs.field(factory=list)

    @property
    def close_codes(self) -> list[int | None]:
        """The code of every close frame that came from the client: one at the most is right."""
        return [frame.close_code for frame in self.frames if frame.opcode == CLOSE]

    @property
    def pongs(self) -> list[bytes]:
        return [frame.payload for frame in self.frames if frame.opcode == PONG]

    @property
    def said(self) -> list[tuple[int, bytes]]:
        """The messages that came from the client: each must be one frame."""
        assert all(frame.is_last for frame in self.frames)
        return [
            (frame.opcode, frame.payload) for frame in self.frames if frame.opcode in {TEXT, BINARY}
        ]


async def open_client(
    connect: Connect, nursery: trio.Nursery, more: bytes = b"", *, piece: float = math.inf
) -> tuple[WebSocket, trio.abc.Stream]:
    """Open a client that gets its bytes in pieces of that size.

    Returns:
      The client, and the bare stream of its server, which has said `more` with the handshake.
    """
    client_stream, server_stream = trio.testing.memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return ChoppedStream(client_stream, piece)

    nursery.start_soon(answer_handshake, server_stream, more)
    client = await connect(
        nursery,
        "ws://exchange",
        headers={},
        ssl_context=None,
        open_stream=open_stream,
        within_seconds=10,
    )
    return client, server_stream


async def converse(
    connect: Connect, *data: bytes, piece: float = math.inf, echoes: bool = False
) -> Conversation:
    """Say these bytes to a client, then goodbye, and wait until it has hung up.

    Goodbye is a close frame with code 1000; a client that had hung up before does not get it.

    Args:
      connect: opens the client.
      data: what the server says after the handshake.
      piece: so many bytes reach the client at a time.
      echoes: whether the application says back every message that it gets.
    """
    conversation = Conversation()

    async def application(client: WebSocket) -> None:
        with suppress(WebSocketClosed):
            while True:
                for message in await client.receive_batch():
                    conversation.received.append(message)
                    if echoes:
                        await client.send(message)
        await client.aclose()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            client, server = await open_client(connect, nursery, piece=piece)
            nursery.start_soon(application, client)
            await server.send_all(b"".join(data))
            await trio.testing.wait_all_tasks_blocked()
            with suppress(trio.BrokenResourceError):
                await server.send_all(GOODBYE)
            conversation.frames += client_frames(await read_to_the_end(server))
            await server.aclose()
    return conversation


async def read_to_the_end(stream: trio.abc.Stream) -> bytes:
    received = bytearray()
    with trio.fail_after(10):
        while data := await stream.receive_some():
            received += data
    return bytes(received)


def handshake_response(request: bytes) -> bytes:
    [key] = [
        line.split(b": ")[1]
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key: ")
    ]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


async def answer_handshake(stream: trio.abc.Stream, more: bytes = b"") -> None:
    """Shake hands as a server, and say `more` in the same breath."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += await stream.receive_some()
    await stream.send_all(handshake_response(request) + more)
