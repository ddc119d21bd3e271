"""The server's handshake, with clients of every kind on the other end of a memory stream."""

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from tests.support.peers.websocket_server import read_to_the_end
from trio_calls.transport import (
    HandshakeRefused,
    HandshakeRequest,
    Rejection,
    WebSocketClosed,
    WebSocketError,
    accept_websocket,
)

REQUEST = (
    b"GET /v1/agent HTTP/1.1\r\nHost: exchange\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"X-API-Key: k\r\n"
)

#: What a masking client sends: a frame with a mask of zeros.
MASKED_HELLO = b"\x81\x85\0\0\0\0hello"
UNMASKED_HELLO = b"\x81\x05hello"


def accept_all(request: HandshakeRequest) -> None:
    return None


async def test_a_client_is_accepted_and_heard(autojump_clock: MockClock) -> None:
    client, server_stream = memory_stream_pair()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await client.send_all(REQUEST + b"\r\n")
            request, websocket = await accept_websocket(
                nursery, server_stream, accept_all, within_seconds=10
            )
            await client.send_all(MASKED_HELLO)
            assert request.path == "/v1/agent"
            assert request.headers["x-api-key"] == "k"
            assert await websocket.receive_batch() == ["hello"]
            await client.aclose()
            with pytest.raises(WebSocketClosed):
                await websocket.receive_batch()
            await websocket.aclose()


@pytest.mark.parametrize(
    ("status_code", "reason"),
    [(401, "no such key"), (403, ""), (426, "0.1 is too old"), (503, "ü")],
)
async def test_a_refused_client_is_told_why(
    status_code: int, reason: str, autojump_clock: MockClock
) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await client.send_all(REQUEST + b"\r\n")
        with pytest.raises(HandshakeRefused) as caught:
            await accept_websocket(
                nursery,
                server_stream,
                lambda request: Rejection(status_code, reason),
                within_seconds=10,
            )
        assert not nursery.child_tasks
    assert (caught.value.status_code, caught.value.reason) == (status_code, reason)
    head, _, body = (await read_to_the_end(client)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status_code)
    assert body.decode() == reason


@pytest.mark.parametrize("request_so_far", [b"", REQUEST[:40], REQUEST])
async def test_a_client_that_never_ends_its_handshake_is_given_up(
    request_so_far: bytes, autojump_clock: MockClock
) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await client.send_all(request_so_far)
        with pytest.raises(WebSocketError, match="7 s"):
            await accept_websocket(nursery, server_stream, accept_all, within_seconds=7)
        assert not nursery.child_tasks
    assert trio.current_time() == 7
    assert await read_to_the_end(client) == b""


@pytest.mark.parametrize("request_so_far", [b"", REQUEST[:40], REQUEST])
async def test_a_client_that_hangs_up_fails_its_handshake_at_once(
    request_so_far: bytes, autojump_clock: MockClock
) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await client.send_all(request_so_far)
        await client.aclose()
        with pytest.raises(WebSocketError):
            await accept_websocket(nursery, server_stream, accept_all, within_seconds=7)
        assert not nursery.child_tasks
    assert trio.current_time() == 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: exchange\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        REQUEST.replace(b"GET", b"POST") + b"\r\n",
        REQUEST.replace(b"Version: 13", b"Version: 8") + b"\r\n",
        REQUEST.replace(b"Upgrade: websocket", b"Upgrade: h2c") + b"\r\n",
        REQUEST.replace(b"Sec-WebSocket-Key", b"X-Key") + b"\r\n",
        REQUEST + b"X-Long: " + b"x" * 2**17 + b"\r\n\r\n",
        REQUEST + b"\0\r\n\r\n",
    ],
)
async def test_what_is_no_handshake_fails_at_once(
    request_bytes: bytes, autojump_clock: MockClock
) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await client.send_all(request_bytes)
        with pytest.raises(WebSocketError):
            await accept_websocket(nursery, server_stream, accept_all, within_seconds=7)
        assert not nursery.child_tasks
    assert trio.current_time() == 0
    assert b" 101 " not in await read_to_the_end(client)


async def test_a_client_that_does_not_mask_loses_its_connection_only(
    autojump_clock: MockClock,
) -> None:
    client, server_stream = memory_stream_pair()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await client.send_all(REQUEST + b"\r\n")
            _, websocket = await accept_websocket(
                nursery, server_stream, accept_all, within_seconds=10
            )
            await client.send_all(UNMASKED_HELLO)
            with pytest.raises(WebSocketClosed):
                await websocket.receive_batch()
            await websocket.aclose()


async def test_a_cancelled_handshake_hangs_up_at_once(autojump_clock: MockClock) -> None:
    client, server_stream = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(3) as scope:
            await accept_websocket(nursery, server_stream, accept_all, within_seconds=10)
        assert not nursery.child_tasks
    assert scope.cancelled_caught
    assert trio.current_time() == 3
    assert await read_to_the_end(client) == b""
