"""Where a client connects to and what it asks for there, and what it does not even try."""

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from trio_calls.transport import HostUnreachable, WebSocketError, connect_websocket


async def never_open(host: str, port: int) -> trio.abc.Stream:
    raise AssertionError("a stream was opened")


async def test_the_request_carries_path_query_host_and_headers(autojump_clock: MockClock) -> None:
    client_stream, server_stream = memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        assert (host, port) == ("exchange.example", 8080)
        return client_stream

    async with trio.open_nursery() as nursery:
        with pytest.raises(WebSocketError):
            await connect_websocket(
                nursery,
                "ws://agent:password@exchange.example:8080/a/b?c=d",
                headers={"Authorization": "Bearer t"},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=1,
            )
    request = bytearray()
    while data := await server_stream.receive_some():
        request += data
    assert request.startswith(b"GET /a/b?c=d HTTP/1.1\r\n")
    assert b"\r\nHost: exchange.example:8080\r\n" in request
    assert b"\r\nAuthorization: Bearer t\r\n" in request
    assert b"password" not in request


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused"), OSError("no route")])
async def test_no_stream_to_the_host_is_told(error: OSError, autojump_clock: MockClock) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        raise error

    async with trio.open_nursery() as nursery:
        with pytest.raises(HostUnreachable):
            await connect_websocket(
                nursery,
                "ws://exchange",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=1,
            )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://exchange/",
        "https://exchange/",
        "exchange",
        "ws://",
        "ws:///path",
        "ws://:80/",
        "ws://exchange:99999/",
        "ws://exchange:port/",
        "ws://[::1/",
        "ws://exchange/\N{SNOWMAN}",
        "ws://exchange/?\N{SNOWMAN}",
        "ws://exchange/a b",
        "ws://exchange/a\r\nX-Injected: yes",
        "ws://ex change/",
        "ws://exchange\0/",
        f"ws://{'a' * 64}.example/",
        "ws://\ud800/",
        "ws://a..b/",
    ],
)
async def test_a_senseless_address_is_refused_before_connecting(
    url: str, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(WebSocketError):
            await connect_websocket(
                nursery,
                url,
                headers={},
                ssl_context=None,
                open_stream=never_open,
                within_seconds=1,
            )


@pytest.mark.parametrize(
    "value", ["Bearer \N{SNOWMAN}", "two\r\nX-Injected: yes", "nul\0", "\ud800"]
)
async def test_a_header_that_cannot_be_sent_is_refused_and_not_shown(
    value: str, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(WebSocketError) as caught:
            await connect_websocket(
                nursery,
                "ws://exchange/",
                headers={"Authorization": value},
                ssl_context=None,
                open_stream=never_open,
                within_seconds=1,
            )
    assert value not in str(caught.value)


class BrokenStream(trio.abc.Stream):
    """A connection that breaks when it is read, or when it is written to."""

    def __init__(self, *, breaks_on_send: bool) -> None:
        self.breaks_on_send = breaks_on_send
        self.is_closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        if self.breaks_on_send:
            raise trio.BrokenResourceError

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    async def aclose(self) -> None:
        self.is_closed = True
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("breaks_on_send", [True, False])
async def test_a_connection_that_breaks_fails_its_handshake(
    breaks_on_send: bool, scheme: str, autojump_clock: MockClock
) -> None:
    stream = BrokenStream(breaks_on_send=breaks_on_send)

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return stream

    async with trio.open_nursery() as nursery:
        with pytest.raises(WebSocketError, match="broke during the handshake"):
            await connect_websocket(
                nursery,
                f"{scheme}://exchange",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=1,
            )
    assert stream.is_closed
    assert trio.current_time() == 0


async def test_a_tls_handshake_that_never_ends_is_given_up(autojump_clock: MockClock) -> None:
    client_stream, server_stream = memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        assert port == 443
        return client_stream

    async with trio.open_nursery() as nursery:
        with pytest.raises(WebSocketError, match="7 s"):
            await connect_websocket(
                nursery,
                "wss://exchange",
                headers={},
                ssl_context=None,
                open_stream=open_stream,
                within_seconds=7,
            )
    assert trio.current_time() == 7
    while await server_stream.receive_some():
        pass
