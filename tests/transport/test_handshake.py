"""The client's handshake, with servers of every kind on the other end of a memory stream."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from trio_calls.transport import (
    HandshakeRefused,
    WebSocketError,
    connect_websocket,
)

Server = Callable[[trio.abc.Stream], Awaitable[None]]

UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


async def read_request(stream: trio.abc.Stream) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        data = await stream.receive_some()
        assert data, "the client hung up before it had asked for anything"
        request += data
    return request


def answering(response: bytes, *, hangs_up: bool = False) -> Server:
    """A server that answers a request with these bytes, and may hang up then."""

    async def server(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(response)
        if hangs_up:
            await stream.aclose()
        else:
            await read_to_the_end(stream)

    return server


async def read_to_the_end(stream: trio.abc.Stream) -> None:
    while await stream.receive_some():
        pass


async def failure_with(server: Server, *, seconds: float = 10) -> WebSocketError:
    """Connects to a server, and returns why that failed, once both sides have hung up."""
    client_stream, server_stream = memory_stream_pair()
    connections = []

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        connections.append((host, port))
        return client_stream

    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server, server_stream)
            with pytest.raises(WebSocketError) as caught:
                await connect_websocket(
                    nursery,
                    "ws://exchange/path",
                    headers={},
                    ssl_context=None,
                    open_stream=open_stream,
                    within_seconds=seconds,
                )
    assert connections == [("exchange", 80)]
    return caught.value


@pytest.mark.parametrize(
    ("response", "status_code", "reason"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nbad key", 401, "bad key"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, ""),
        (
            b"HTTP/1.1 426 Upgrade Required\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\ntoo\r\n4\r\n old\r\n0\r\n\r\n",
            426,
            "too old",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n",
            302,
            "",
        ),
    ],
)
async def test_a_refusal_has_its_status_and_its_reason(
    response: bytes, status_code: int, reason: str, autojump_clock: MockClock
) -> None:
    refusal = await failure_with(answering(response))
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.reason) == (status_code, reason)
    assert trio.current_time() == 0


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 401 Unauthorized\r\n\r\nbad key",
        b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\nbad key",
        b"HTTP/1.0 401 Unauthorized\r\n\r\nbad key",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nbad key",
    ],
)
async def test_a_refusal_may_end_with_the_connection(
    response: bytes, autojump_clock: MockClock
) -> None:
    refusal = await failure_with(answering(response, hangs_up=True))
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.reason) == (401, "bad key")


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 401 Unauthorized\r\n\r\nbad key",
        b"HTTP/1.0 401 Unauthorized\r\n\r\nbad key",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nbad key",
        b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nbad key\r\n",
    ],
)
async def test_the_end_of_a_refusal_is_not_waited_for(
    response: bytes, autojump_clock: MockClock
) -> None:
    refusal = await failure_with(answering(response))
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.reason) == (401, "bad key")
    assert trio.current_time() == 1


async def test_a_refusal_that_trickles_has_its_status(autojump_clock: MockClock) -> None:
    async def trickle(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        with suppress(trio.BrokenResourceError):
            await stream.send_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9999\r\n\r\nno")
            while True:
                await trio.sleep(0.3)
                await stream.send_all(b"!")

    refusal = await failure_with(trickle)
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.reason) == (403, "no!!!")


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 200000", b"Transfer-Encoding: chunked\r\n\r\n30d40", b"Connection: close"],
    ids=["length", "chunked", "to the end"],
)
@pytest.mark.parametrize("hangs_up", [False, True])
async def test_a_page_of_an_error_may_be_long(
    framing: bytes, hangs_up: bool, autojump_clock: MockClock
) -> None:
    head = b"HTTP/1.1 502 Bad Gateway\r\n" + framing
    head += b"\r\n" if b"chunked" in framing else b"\r\n\r\n"
    refusal = await failure_with(answering(head + b"Oops" * 50_000, hangs_up=hangs_up))
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.reason) == (502, "Oops" * 50)
    assert trio.current_time() == 0


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (b"7", 7.0),
        (b"0", 0.0),
        (b"99999999", 3600.0),
        (b"9" * 400, 3600.0),
        (b"-1", None),
        (b"1.5", None),
        (b"\xb2", None),
        (b"soon", None),
        (b"", None),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
async def test_a_busy_server_may_say_when_to_come_back(
    retry_after: bytes, seconds: float | None, autojump_clock: MockClock
) -> None:
    response = (
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n"
        % retry_after
    )
    refusal = await failure_with(answering(response))
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.retry_after) == (503, seconds)


SOON = b"Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("date", "retry_after", "seconds"),
    [
        (b"Wed, 21 Oct 2015 07:27:30 GMT", SOON, 30.0),
        (b"Wednesday, 21-Oct-15 07:27:30 GMT", b"Wed Oct 21 07:28:00 2015", 30.0),
        (b"Wed, 21 Oct 2015 07:27:30 +0000", b"Wed, 21 Oct 2015 07:28:00 -0000", 30.0),
        (SOON, SOON, 0.0),
        (b"Wed, 21 Oct 2015 07:29:00 GMT", SOON, 0.0),
        (b"Wed, 21 Oct 2015 07:27:30 GMT", b"Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        (b"Wed, 21 Oct 2015 07:27:30 GMT", b"5", 5.0),
        (b"now", SOON, None),
        (b"Wed, 21 Oct 2015 07:27:30 GMT", b"Wed, 99 Oct 2015 07:28:00 GMT", None),
        (b"Wed, 21 Oct 2015 07:27:30 GMT", b"Wed, 21 Oct 2015 07:28:00 +" + b"9" * 400, None),
        (b"Wed, 21 Oct 2015 07:27:30 GMT", b"1 Jan " + b"9" * 5000 + b" 0:0:0", None),
    ],
)
async def test_a_time_to_come_back_counts_from_the_date_of_the_server(
    date: bytes, retry_after: bytes, seconds: float | None, autojump_clock: MockClock
) -> None:
    response = (
        b"HTTP/1.1 503 Service Unavailable\r\nDate: %s\r\nRetry-After: %s\r\n"
        b"Content-Length: 0\r\n\r\n" % (date, retry_after)
    )
    refusal = await failure_with(answering(response))
    assert isinstance(refusal, HandshakeRefused)
    assert (refusal.status_code, refusal.retry_after) == (503, seconds)


async def test_the_reason_of_a_refusal_is_short_and_printable(autojump_clock: MockClock) -> None:
    body = b"  no\x1b[31m\r\n\xff" + b"x" * 5000
    head = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n" % len(body)
    refusal = await failure_with(answering(head + body))
    assert isinstance(refusal, HandshakeRefused)
    assert refusal.reason.startswith("no[31m\N{REPLACEMENT CHARACTER}xxx")
    assert len(refusal.reason) <= 200


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
        b"\x00" * 1000 + b"\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        UPGRADE + b"\r\n",
        UPGRADE + b"Sec-WebSocket-Accept: c3VyZSBub3QgdGhhdA==\r\n\r\n",
        b"HTTP/1.1 abc Nonsense\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n",
    ],
)
async def test_what_is_no_handshake_fails_at_once(
    response: bytes, autojump_clock: MockClock
) -> None:
    await failure_with(answering(response))
    assert trio.current_time() == 0


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 401 Unauth", UPGRADE])
async def test_a_server_that_hangs_up_fails_the_handshake_at_once(
    response: bytes, autojump_clock: MockClock
) -> None:
    error = await failure_with(answering(response, hangs_up=True))
    assert "closed during the WebSocket handshake" in str(error)
    assert trio.current_time() == 0


@pytest.mark.parametrize("response", [b"", UPGRADE, b"HTTP/1.1 401 Unauthorized\r\n"])
async def test_a_server_that_never_ends_its_handshake_is_given_up(
    response: bytes, autojump_clock: MockClock
) -> None:
    error = await failure_with(answering(response), seconds=7)
    assert "7 s" in str(error)
    assert trio.current_time() == 7


@pytest.mark.parametrize("piece", [b"X-More: x\r\n", b"x", b"\r\n"])
async def test_a_server_that_trickles_is_given_up(piece: bytes, autojump_clock: MockClock) -> None:
    async def trickle(stream: trio.abc.Stream) -> None:
        await stream.send_all(UPGRADE)
        try:
            while True:
                await trio.sleep(1)
                await stream.send_all(piece)
        except trio.BrokenResourceError:
            return

    await failure_with(trickle, seconds=30)
    assert trio.current_time() <= 31


@pytest.mark.parametrize(
    "head", [UPGRADE, b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n", b""]
)
@pytest.mark.parametrize("piece", [b"X-More: x\r\n", b"1\r\nx\r\n", b"x"])
async def test_a_server_that_never_stops_talking_is_hung_up_on(
    head: bytes, piece: bytes, autojump_clock: MockClock
) -> None:
    sent = 0

    async def talk(stream: trio.abc.Stream) -> None:
        nonlocal sent
        await read_request(stream)
        await stream.send_all(head)
        try:
            while True:
                await stream.send_all(piece * 100)
                sent += 100 * len(piece)
        except trio.BrokenResourceError:
            return

    await failure_with(talk)
    assert trio.current_time() == 0
    assert sent < 2**18


async def test_a_cancelled_handshake_hangs_up_at_once(autojump_clock: MockClock) -> None:
    client_stream, server_stream = memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return client_stream

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(3) as scope:
            await connect_websocket(
                nursery,
                "ws://exchange/",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=10,
            )
    assert scope.cancelled_caught
    assert trio.current_time() == 3
    await read_to_the_end(server_stream)
