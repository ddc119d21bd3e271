"""The transport over loopback sockets, plain and with TLS. Real time is only there to end hangs."""

import socket
import ssl
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
import trustme

from tests.support.peers.websocket_server import answer_handshake
from trio_calls.transport import (
    HandshakeRefused,
    HandshakeRequest,
    HostUnreachable,
    Rejection,
    TLSFailed,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
    accept_websocket,
    connect_websocket,
)

pytestmark = pytest.mark.slow

SECONDS = 30


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def strict_server_context(authority: trustme.CA, server_context: ssl.SSLContext) -> ssl.SSLContext:
    """Of a server that lets in only who has a certificate of our authority."""
    authority.configure_trust(server_context)
    server_context.verify_mode = ssl.CERT_REQUIRED
    return server_context


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def decide(request: HandshakeRequest) -> Rejection | None:
    return Rejection(403, "not this one") if request.path == "/refused" else None


async def echo(ssl_context: ssl.SSLContext | None, connection: trio.SocketStream) -> None:
    """Serves one connection: sends back every message, until it is closed or never opened."""
    stream: trio.abc.Stream = connection
    if ssl_context is not None:
        stream = trio.SSLStream(connection, ssl_context, server_side=True, https_compatible=True)
    async with trio.open_nursery() as nursery:
        try:
            _, websocket = await accept_websocket(nursery, stream, decide, within_seconds=SECONDS)
            while True:
                for message in await websocket.receive_batch():
                    await websocket.send(message)
        except WebSocketClosed:
            await websocket.aclose()
        except WebSocketError:
            pass


async def start_server(nursery: trio.Nursery, ssl_context: ssl.SSLContext | None = None) -> int:
    """Starts an echo server that stops with `nursery`. Returns its port."""
    [listener] = await nursery.start(
        partial(trio.serve_tcp, partial(echo, ssl_context), 0, host="127.0.0.1")
    )
    return int(listener.socket.getsockname()[1])


async def connect(
    nursery: trio.Nursery, url: str, ssl_context: ssl.SSLContext | None = None
) -> WebSocket:
    return await connect_websocket(
        nursery, url, headers={}, ssl_context=ssl_context, open_stream=None, within_seconds=SECONDS
    )


async def check_echo(websocket: WebSocket) -> None:
    await websocket.send("grüß dich")
    assert await websocket.receive_batch() == ["grüß dich"]
    await websocket.send(b"\0" + bytes(range(256)) * 1000)
    assert await websocket.receive_batch() == [b"\0" + bytes(range(256)) * 1000]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_until_closed, websocket)
        await websocket.ping()
        await websocket.aclose()


async def receive_until_closed(websocket: WebSocket) -> None:
    with pytest.raises(WebSocketClosed):
        await websocket.receive_batch()


async def test_a_plain_connection_carries_messages(nursery: trio.Nursery) -> None:
    port = await start_server(nursery)
    await check_echo(await connect(nursery, f"ws://127.0.0.1:{port}"))


async def test_a_tls_connection_carries_messages(
    nursery: trio.Nursery, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    port = await start_server(nursery, server_context)
    await check_echo(await connect(nursery, f"wss://127.0.0.1:{port}", client_context))


class Listener:
    """Takes what a connection brings."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self.enough: str | bytes | None = None
        self.is_closed = False
        self.news = trio.Event()

    async def listen(self, websocket: WebSocket) -> None:
        try:
            await websocket.receive_each(self.take)
        except WebSocketClosed:
            self.is_closed = True

    def take(self, messages: list[str | bytes]) -> bool:
        self.heard += messages
        self.news.set()
        self.news = trio.Event()
        return self.enough not in messages

    async def wait_heard(self, message: str | bytes) -> None:
        while message not in self.heard:
            await self.news.wait()


@pytest.fixture(params=["ws", "wss"])
async def connections(
    request: pytest.FixtureRequest,
    nursery: trio.Nursery,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> AsyncIterator[list[WebSocket]]:
    """Three connections to an echo server."""
    port = await start_server(nursery, server_context if request.param == "wss" else None)
    url = f"{request.param}://127.0.0.1:{port}"
    made = [await connect(nursery, url, client_context) for _ in range(3)]
    yield list(made)
    for websocket in made:
        await trio.aclose_forcefully(websocket)


async def test_each_connection_hands_over_what_is_its_own(connections: list[WebSocket]) -> None:
    listeners = [Listener() for _ in connections]
    async with trio.open_nursery() as nursery:
        for listener, websocket in zip(listeners, connections, strict=True):
            nursery.start_soon(listener.listen, websocket)
        for number, websocket in enumerate(connections):
            for message in (f"{number}", bytes(200_000), f"{number}: over"):
                await websocket.send(message)
        for number, listener in enumerate(listeners):
            await listener.wait_heard(f"{number}: over")
            assert listener.heard == [f"{number}", bytes(200_000), f"{number}: over"]
        nursery.cancel_scope.cancel()


async def test_a_connection_goes_on_where_it_stopped(connections: list[WebSocket]) -> None:
    websocket = connections[0]
    listener = Listener()
    listener.enough = "enough"
    for message in ("one", "enough"):
        await websocket.send(message)
    await listener.listen(websocket)
    assert listener.heard == ["one", "enough"]
    await websocket.send("enough")
    await listener.listen(websocket)
    assert listener.heard == ["one", "enough", "enough"]
    await websocket.aclose()
    await listener.listen(websocket)
    assert listener.is_closed


async def test_what_came_with_the_handshake_is_handed_over(nursery: trio.Nursery) -> None:
    here, there = (trio.SocketStream(end) for end in trio.socket.socketpair())

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return here

    nursery.start_soon(answer_handshake, there, b"\x81\x05early")
    websocket = await connect_websocket(
        nursery,
        "ws://exchange",
        headers={},
        ssl_context=None,
        open_stream=open_stream,
        within_seconds=SECONDS,
    )
    listener = Listener()
    listener.enough = "early"
    await listener.listen(websocket)
    assert listener.heard == ["early"]
    await trio.aclose_forcefully(websocket)
    await there.aclose()


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_one_that_is_closed_here_leaves_the_others_alone(
    connections: list[WebSocket], who: int
) -> None:
    listeners = [Listener() for _ in connections]
    async with trio.open_nursery() as nursery:
        for listener, websocket in zip(listeners, connections, strict=True):
            nursery.start_soon(listener.listen, websocket)
            await trio.testing.wait_all_tasks_blocked()
        await connections.pop(who).aclose()
        closed = listeners.pop(who)
        for listener, websocket in zip(listeners, connections, strict=True):
            await websocket.send("still there")
            await listener.wait_heard("still there")
        assert closed.is_closed
        assert not any(listener.is_closed for listener in listeners)
        nursery.cancel_scope.cancel()


async def test_one_that_is_cancelled_in_closing_is_over(connections: list[WebSocket]) -> None:
    listener = Listener()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.listen, connections[0])
        await trio.testing.wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await connections[0].aclose()
    assert listener.is_closed


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_refusal_arrives_whole(
    scheme: str,
    nursery: trio.Nursery,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> None:
    port = await start_server(nursery, server_context if scheme == "wss" else None)
    with pytest.raises(HandshakeRefused) as caught:
        await connect(nursery, f"{scheme}://127.0.0.1:{port}/refused", client_context)
    assert (caught.value.status_code, caught.value.reason) == (403, "not this one")


async def test_a_server_of_an_unknown_authority_is_not_trusted(
    nursery: trio.Nursery, server_context: ssl.SSLContext
) -> None:
    port = await start_server(nursery, server_context)
    with pytest.raises(TLSFailed, match="does not verify"):
        await connect(nursery, f"wss://127.0.0.1:{port}", ssl.create_default_context())


async def test_without_a_context_the_server_is_verified_all_the_same(
    nursery: trio.Nursery, server_context: ssl.SSLContext
) -> None:
    port = await start_server(nursery, server_context)
    with pytest.raises(TLSFailed, match="does not verify"):
        await connect(nursery, f"wss://127.0.0.1:{port}")


async def test_a_server_of_another_name_is_not_trusted(
    nursery: trio.Nursery, authority: trustme.CA, client_context: ssl.SSLContext
) -> None:
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("exchange.example").configure_cert(other)
    port = await start_server(nursery, other)
    with pytest.raises(TLSFailed, match="does not verify"):
        await connect(nursery, f"wss://127.0.0.1:{port}", client_context)


async def test_tls_to_a_server_without_tls_fails(
    nursery: trio.Nursery, client_context: ssl.SSLContext
) -> None:
    port = await start_server(nursery)
    with pytest.raises(WebSocketError):
        await connect(nursery, f"wss://127.0.0.1:{port}", client_context)


async def test_no_tls_to_a_server_with_tls_fails(
    nursery: trio.Nursery, server_context: ssl.SSLContext
) -> None:
    port = await start_server(nursery, server_context)
    with pytest.raises(WebSocketError):
        await connect(nursery, f"ws://127.0.0.1:{port}")


async def test_a_client_certificate_is_accepted(
    nursery: trio.Nursery,
    authority: trustme.CA,
    strict_server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> None:
    authority.issue_cert("agent@example.org").configure_cert(client_context)
    port = await start_server(nursery, strict_server_context)
    await check_echo(await connect(nursery, f"wss://127.0.0.1:{port}", client_context))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("has_foreign_certificate", [False, True])
async def test_a_certificate_of_a_wrong_authority_opens_nothing(
    has_foreign_certificate: bool,
    version: ssl.TLSVersion,
    nursery: trio.Nursery,
    strict_server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> None:
    if has_foreign_certificate:
        trustme.CA().issue_cert("agent@example.org").configure_cert(client_context)
    client_context.minimum_version = client_context.maximum_version = version
    port = await start_server(nursery, strict_server_context)
    with pytest.raises(WebSocketError) as caught:
        await connect(nursery, f"wss://127.0.0.1:{port}", client_context)
    assert not isinstance(caught.value, HostUnreachable | HandshakeRefused)


async def test_a_port_where_nobody_listens_is_unreachable(nursery: trio.Nursery) -> None:
    with trio.socket.socket() as unused:
        await unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(HostUnreachable):
            await connect(nursery, f"ws://127.0.0.1:{port}")


class NoNames(trio.abc.HostnameResolver):
    """Knows no name at all, and asks no network."""

    async def getaddrinfo(  # noqa: PLR0917  # Trio's own signature
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        raise NotImplementedError


async def test_a_name_that_does_not_resolve_is_unreachable(nursery: trio.Nursery) -> None:
    trio.socket.set_custom_hostname_resolver(NoNames())
    with pytest.raises(HostUnreachable):
        await connect(nursery, "ws://exchange.invalid:80")


async def test_a_server_that_vanishes_is_noticed(nursery: trio.Nursery) -> None:
    async with trio.open_nursery() as server_nursery:
        port = await start_server(server_nursery)
        websocket = await connect(nursery, f"ws://127.0.0.1:{port}")
        server_nursery.cancel_scope.cancel()
    with pytest.raises(WebSocketClosed):
        await websocket.receive_batch()
    await websocket.aclose()
