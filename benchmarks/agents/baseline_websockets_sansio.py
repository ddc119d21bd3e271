"""The baseline on sans-IO `websockets` and streams of Trio: an echo, and no SDK."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import trio
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from benchmarks.agents._claims import (
    ANSWER,
    CONTROL_HEADERS,
    CONTROL_PATH,
    SETUP,
    MediaAddress,
    respond,
)

_RECEIVE_BYTES = 2**16


class BareWebSocket:
    """The protocol on a stream: what came in one read is answered with one write."""

    def __init__(self, stream: trio.abc.Stream, protocol: ClientProtocol) -> None:
        self.stream = stream
        self.protocol = protocol

    async def receive_frames(self) -> list[Frame]:
        """Wait for a read, and return the messages that it completed."""
        self.protocol.receive_data(await self.stream.receive_some(_RECEIVE_BYTES))
        return [event for event in self.protocol.events_received() if isinstance(event, Frame)]

    async def flush(self) -> None:
        """Send what the protocol has to send."""
        if data := b"".join(self.protocol.data_to_send()):
            await self.stream.send_all(data)


@asynccontextmanager
async def open_bare_websocket(
    url: str, headers: Iterable[tuple[str, str]]
) -> AsyncIterator[BareWebSocket]:
    uri = parse_uri(url)
    stream: trio.abc.Stream = await trio.open_tcp_stream(uri.host, uri.port)
    if uri.secure:
        context = ssl.create_default_context()
        stream = trio.SSLStream(stream, context, server_hostname=uri.host)
    async with stream:
        websocket = BareWebSocket(stream, ClientProtocol(uri))
        request = websocket.protocol.connect()
        request.headers.update(headers)
        websocket.protocol.send_request(request)
        while websocket.protocol.state is not websocket.protocol.state.OPEN:
            await websocket.flush()
            await websocket.receive_frames()
        yield websocket


async def echo(address: MediaAddress) -> None:
    async with open_bare_websocket(address.url, address.headers) as websocket:
        websocket.protocol.send_text(ANSWER.encode())
        while True:
            await websocket.flush()
            for frame in await websocket.receive_frames():
                if frame.opcode is Opcode.BINARY:
                    websocket.protocol.send_binary(frame.data)


async def serve(base_url: str, echo: Callable[[MediaAddress], Awaitable[None]]) -> None:
    """Take every call that is offered."""
    async with (
        trio.open_nursery() as calls,
        open_bare_websocket(base_url + CONTROL_PATH, CONTROL_HEADERS) as websocket,
    ):
        websocket.protocol.send_text(SETUP.encode())
        while True:
            await websocket.flush()
            for frame in await websocket.receive_frames():
                if frame.opcode is not Opcode.TEXT:
                    continue
                response = respond(bytes(frame.data))
                if isinstance(response, MediaAddress):
                    calls.start_soon(echo, response)
                elif response is not None:
                    websocket.protocol.send_text(response.encode())


if __name__ == "__main__":
    trio.run(serve, sys.argv[1], echo)
