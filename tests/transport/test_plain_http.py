"""A server that is asked for no WebSocket, and one that is, with an answer for the other."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from trio_calls.transport import (
    HandshakeRequest,
    PlainRequest,
    PlainRequestAnswered,
    PlainResponse,
    WebSocketError,
    accept_websocket,
)

HANDSHAKE = (
    b"GET /v1/agent HTTP/1.1\r\nHost: exchange\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
HELLO = b"\x81\x85\0\0\0\0hello"


def accept_all(request: HandshakeRequest) -> None:
    return None


def no_plain_request(request: PlainRequest) -> PlainResponse:
    raise AssertionError(request)


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_handshake_is_left_to_the_library(size: int, autojump_clock: MockClock) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def send() -> None:
            sent = HANDSHAKE + HELLO
            for start in range(0, len(sent), size):
                await client.send_all(sent[start : start + size])
                await trio.sleep(0.001)

        request, websocket = await accept_websocket(
            nursery, server_stream, accept_all, within_seconds=10, answer=no_plain_request
        )
        assert request.path == "/v1/agent"
        assert await websocket.receive_batch() == ["hello"]
        await trio.aclose_forcefully(websocket)
        await client.aclose()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "BREW"])
async def test_a_plain_request_is_answered(method: str, autojump_clock: MockClock) -> None:
    came: list[PlainRequest] = []

    def answer(request: PlainRequest) -> PlainResponse:
        came.append(request)
        return PlainResponse(405, b'{"x":1}', allow="PATCH")

    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await client.send_all(
            f"{method} /public/x?y HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n".encode()
        )
        with pytest.raises(PlainRequestAnswered):
            await accept_websocket(
                nursery, server_stream, accept_all, within_seconds=10, answer=answer
            )
        response = await client.receive_some()
        assert await client.receive_some() == b""
    head = (
        b"HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\n"
        b"Content-Length: 7\r\nConnection: close\r\nAllow: PATCH\r\n\r\n"
    )
    assert response == (head if method == "HEAD" else head + b'{"x":1}')
    (request,) = came
    assert (request.method, request.path) == (method, "/public/x?y")
    assert (request.headers["host"], request.headers["x-a"]) == ("h", "b")


@pytest.mark.parametrize("data", [b"", b"GE", b"GET /pub", b"GET /public/ HTTP/1.1\r\nHo"])
@pytest.mark.parametrize("hangs_up", [True, False])
async def test_half_a_request(data: bytes, hangs_up: bool, autojump_clock: MockClock) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await client.send_all(data)
        if hangs_up:
            await client.aclose()
        with pytest.raises(WebSocketError):
            await accept_websocket(
                nursery, server_stream, accept_all, within_seconds=7, answer=no_plain_request
            )
        assert trio.current_time() == (0 if hangs_up else 7)
        await client.aclose()
