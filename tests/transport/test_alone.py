"""Whatever opening or serving one connection raises is the trouble of that connection alone."""

import errno
import ssl
from collections.abc import Awaitable, Callable

import h11
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from tests.support.peers.frames import TEXT, frame
from tests.support.peers.passing_stream import PassingStream
from tests.support.peers.websocket_server import answer_handshake, handshake_response
from tests.support.transports import Connect
from tests.transport.test_close_codes import end_of
from tests.transport.test_explain import sandbox
from trio_calls.transport import (
    HostUnreachable,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
    accept_websocket,
    explain,
)

TROUBLE = [
    trio.BrokenResourceError("the proxy hung up"),
    trio.ClosedResourceError(),
    trio.TooSlowError("the proxy did not answer"),
    trio.EndOfChannel(),
    RuntimeError("can't start new thread"),
    UnicodeError("label too long"),
    ValueError("no number"),
    ssl.SSLError(1, "of a proxy"),
    OSError(errno.EMFILE, "Too many open files"),
    OSError("all attempts failed"),
    h11.RemoteProtocolError("nonsense"),
    KeyError("proxy"),
    ExceptionGroup("two ways", [OSError("one"), ExceptionGroup("deep", [RuntimeError("two")])]),
]

each_trouble = pytest.mark.parametrize("trouble", TROUBLE, ids=lambda error: type(error).__name__)


async def connect_over(
    connect: Connect,
    nursery: trio.Nursery,
    open_stream: Callable[[str, int], Awaitable[trio.abc.Stream]],
) -> WebSocket:
    return await connect(
        nursery,
        "ws://exchange",
        headers={},
        ssl_context=None,
        open_stream=open_stream,
        within_seconds=10,
    )


@each_trouble
async def test_what_an_opener_raises(
    transport: Connect, nursery: trio.Nursery, trouble: Exception
) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        raise trouble

    with pytest.raises(HostUnreachable) as raised:
        await connect_over(transport, nursery, open_stream)
    assert str(raised.value)


@pytest.mark.parametrize("result", [None, "a stream", object()])
async def test_an_opener_that_opens_no_stream(
    transport: Connect, nursery: trio.Nursery, result: object
) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return result  # type: ignore[return-value]  # as applications may

    with pytest.raises(HostUnreachable, match=f"no Stream, but a {type(result).__name__}"):
        await connect_over(transport, nursery, open_stream)


async def test_a_cancelled_opener_that_fails_is_cancelled(
    transport: Connect, nursery: trio.Nursery
) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        async def fail_on_the_way_out() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise OSError("its clean-up failed")

        async with trio.open_nursery() as own:
            own.start_soon(fail_on_the_way_out)
            await trio.sleep_forever()

    with trio.move_on_after(1) as scope:
        await connect_over(transport, nursery, open_stream)
    assert scope.cancelled_caught


async def test_an_interrupted_opener_ends_the_program(
    transport: Connect, nursery: trio.Nursery
) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await connect_over(transport, nursery, open_stream)


class TroubledStream(PassingStream):
    """Raises instead of what it is told to.

    Attributes:
      on_send: what sending raises.
      on_receive: what receiving raises.
      on_close: what closing raises, once the stream is closed.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        super().__init__(stream)
        self.on_send: Exception | None = None
        self.on_receive: Exception | None = None
        self.on_close: Exception | None = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.on_send is not None:
            raise self.on_send
        await super().send_all(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self.on_receive is not None:
            raise self.on_receive
        return await super().receive_some(max_bytes)

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            if self.on_close is not None:
                raise self.on_close


@each_trouble
@pytest.mark.parametrize("when", ["on_send", "on_receive"])
async def test_what_a_stream_raises_in_the_handshake(
    transport: Connect, nursery: trio.Nursery, trouble: Exception, when: str
) -> None:
    ours, _ = memory_stream_pair()
    stream = TroubledStream(ours)
    setattr(stream, when, trouble)
    stream.on_close = trouble

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return stream

    with pytest.raises(WebSocketError):
        await connect_over(transport, nursery, open_stream)


async def open_troubled(
    connect: Connect, nursery: trio.Nursery
) -> tuple[WebSocket, TroubledStream, trio.abc.Stream]:
    ours, theirs = memory_stream_pair()
    stream = TroubledStream(ours)

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return stream

    nursery.start_soon(answer_handshake, theirs)
    return await connect_over(connect, nursery, open_stream), stream, theirs


@each_trouble
async def test_what_an_open_stream_raises_on_receiving(
    transport: Connect, nursery: trio.Nursery, autojump_clock: MockClock, trouble: Exception
) -> None:
    client, stream, server = await open_troubled(transport, nursery)
    stream.on_receive = stream.on_close = trouble
    await server.send_all(frame(TEXT, b"hello"))
    with trio.fail_after(5):
        await end_of(client)
    await client.aclose()


@each_trouble
@pytest.mark.parametrize("way", ["send", "send_nowait", "ping"])
async def test_who_cannot_send_soon_stops_to_receive(
    transport: Connect,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    trouble: Exception,
    way: str,
) -> None:
    client, stream, server = await open_troubled(transport, nursery)
    stream.on_send = trouble
    await server.send_all(frame(TEXT, b"last words"))
    with trio.fail_after(1):
        match way:
            case "send":
                with pytest.raises(WebSocketClosed):
                    await client.send("hello")
            case "send_nowait":
                # Over a stream that can only wait, it is the task behind that has to send.
                assert not client.send_nowait("hello")
                with pytest.raises(WebSocketClosed):
                    await client.send()
            case _:
                with pytest.raises(WebSocketClosed):
                    await client.ping()
        # A ping is the library's, and one of them then receives nothing more.
        if way != "ping":
            assert await client.receive_batch() == ["last words"]
        await end_of(client)
    await client.aclose()


HEADERS = [
    b"Sec-WebSocket-Extensions: x-\xdc\r\n",
    b"Sec-WebSocket-Protocol: \xff\r\n",
    b"X-\xff: 1\r\n",
    b"Server: \xc3\x9c\r\n",
    b"Upgrade: \xff\r\n",
    b": no name\r\n",
    b"no colon\r\n",
]


@pytest.mark.parametrize("header", HEADERS)
async def test_a_server_whose_headers_no_library_can_read(
    transport: Connect, nursery: trio.Nursery, autojump_clock: MockClock, header: bytes
) -> None:
    ours, theirs = memory_stream_pair()

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return ours

    async def answer() -> None:
        response = handshake_response(bytes(await theirs.receive_some()))
        await theirs.send_all(response[:-2] + header + b"\r\n")

    nursery.start_soon(answer)
    try:
        client = await connect_over(transport, nursery, open_stream)
    except WebSocketError:
        return
    await trio.aclose_forcefully(client)


@pytest.mark.parametrize("header", HEADERS)
async def test_a_client_whose_headers_no_library_can_read(
    transport: Connect, nursery: trio.Nursery, autojump_clock: MockClock, header: bytes
) -> None:
    ours, theirs = memory_stream_pair()
    await ours.send_all(
        b"GET / HTTP/1.1\r\nHost: exchange\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + header
        + b"\r\n"
    )
    try:
        _, server = await accept_websocket(nursery, theirs, lambda request: None, within_seconds=10)
    except WebSocketError:
        return
    await trio.aclose_forcefully(server)


async def test_a_decision_that_fails_is_of_one_connection(
    transport: Connect, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    ours, theirs = memory_stream_pair()
    await ours.send_all(
        b"GET / HTTP/1.1\r\nHost: exchange\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )

    def decide(request: object) -> None:
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    with pytest.raises(WebSocketError):
        await accept_websocket(nursery, theirs, decide, within_seconds=10)


@pytest.mark.pure
def test_the_words_of_an_opener_show_no_secret() -> None:
    error = HostUnreachable("RuntimeError: no way for the-key")
    assert "the-key" not in str(explain.explain_control(error, sandbox()))
