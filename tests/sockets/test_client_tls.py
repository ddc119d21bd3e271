"""TLS on loopback, from the settings to an answered call."""

import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import (
    API_KEY,
    CONNECTOR_UUID,
    FakeExchange,
    Switchboard,
    open_exchange,
)
from trio_calls import (
    CallState,
    ClientConfig,
    WSSConfigError,
    WSSConnectionError,
    WSSMediaError,
    WSSTLSError,
    events,
    open_call_client,
)
from trio_calls.wire.first.control import SessionReady
from trio_calls.wire.responses import Response

pytestmark = pytest.mark.slow

ADVICE = "check the host in WSS_BASE_URL"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_context(authority: trustme.CA, host: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@asynccontextmanager
async def serve_exchange(context: ssl.SSLContext) -> AsyncIterator[tuple[FakeExchange, int]]:
    async with open_exchange() as exchange, trio.open_nursery() as nursery:
        exchange.ssl_context = context
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, exchange.serve, [listener])
        yield exchange, listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def sandbox(port: int, scheme: str = "wss", **settings: Any) -> ClientConfig:
    return ClientConfig.sandbox(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        base_url=f"{scheme}://localhost:{port}",
        **settings,
    )


async def answer_a_call(exchange: FakeExchange, config: ClientConfig, media_url: str) -> None:
    """From the offer to the answer, with the media connection at `media_url`."""
    switchboard = Switchboard()
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(switchboard)
        control = await exchange.control()
        await control.offer("s")
        claim = await control.expect_claim("s")
        await control.send(Response(claim.request_id, is_ok=True))
        await control.expect(SessionReady)
        await control.send(call_in("s", url=media_url))
        call = await switchboard.next_call()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def accept() -> None:
                media = await exchange.media()
                await media.accept("call.answer")
                nursery.start_soon(media.accept, "call.close")

            await call.answer()
            assert call.state is CallState.ANSWERED
            await call.close()


async def failure(config: ClientConfig) -> WSSConnectionError:
    with pytest.raises(WSSConnectionError) as caught:
        async with open_call_client(config):
            pytest.fail("it never stood")
    return caught.value


async def test_an_exchange_that_verifies_is_used_for_both_connections(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    async with serve_exchange(server_context(authority)) as (exchange, port):
        config = sandbox(port, ssl_context=trusting)
        await answer_a_call(exchange, config, f"wss://localhost:{port}/media")


async def test_an_unverified_exchange_gets_no_credentials(
    authority: trustme.CA,
) -> None:
    async with serve_exchange(server_context(authority)) as (exchange, port):
        error = await failure(sandbox(port))
        assert isinstance(error, WSSTLSError)
        assert ADVICE in str(error)
        assert exchange.requests == []


async def test_the_certificate_of_another_gets_no_credentials(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    async with serve_exchange(server_context(authority, "elsewhere.example")) as (exchange, port):
        error = await failure(sandbox(port, ssl_context=trusting))
        assert isinstance(error, WSSTLSError)
        assert ADVICE in str(error)
        assert "Hostname mismatch" in str(error)
        assert exchange.requests == []


async def test_a_port_without_tls_is_told_from_an_unverified_one(
    trusting: ssl.SSLContext,
) -> None:
    async def serve_http(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve_http, [listener])
        port = listener.socket.getsockname()[1]
        error = await failure(sandbox(port, ssl_context=trusting))
        assert isinstance(error, WSSTLSError)
        assert "does not verify" not in str(error)
        nursery.cancel_scope.cancel()


async def test_a_port_that_speaks_tls_is_no_websocket_without_it(authority: trustme.CA) -> None:
    async with serve_exchange(server_context(authority)) as (exchange, port):
        error = await failure(sandbox(port, scheme="ws"))
        assert "WSS_BASE_URL" in str(error)
        assert exchange.requests == []


async def test_media_without_tls_is_not_opened_where_control_has_it(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    async with serve_exchange(server_context(authority)) as (exchange, port):
        config = sandbox(port, ssl_context=trusting)
        with pytest.RaisesGroup(
            pytest.RaisesExc(WSSMediaError, match="without TLS"), flatten_subgroups=True
        ):
            await answer_a_call(exchange, config, f"ws://localhost:{port}/media")
        assert len(exchange.requests) == 1


async def refuse_in_tls(context: ssl.SSLContext, stream: trio.abc.Stream) -> None:
    """Fail the handshake as most servers do, saying why. Trio's own `SSLStream` just hangs up."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    is_refused = False
    while not is_refused:
        incoming.write(await stream.receive_some())
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            is_refused = True
        await stream.send_all(outgoing.read())
    while await stream.receive_some():
        pass


class TestMutualTLS:
    """The exchange wants a client certificate."""

    @pytest.fixture
    def demanding(self, authority: trustme.CA) -> ssl.SSLContext:
        context = server_context(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
        return context

    @staticmethod
    def production(
        port: int, issuer: trustme.CA, folder: Path, trusting: ssl.SSLContext
    ) -> ClientConfig:
        certificate = issuer.issue_cert("agent")
        certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        return ClientConfig.production(
            cert_path=folder / "cert.pem",
            key_path=folder / "key.pem",
            base_url=f"wss://localhost:{port}",
            ssl_context=trusting,
        )

    async def test_a_certificate_opens_both_connections_without_a_key(
        self,
        authority: trustme.CA,
        trusting: ssl.SSLContext,
        demanding: ssl.SSLContext,
        tmp_path: Path,
    ) -> None:
        async with serve_exchange(demanding) as (exchange, port):
            config = self.production(port, authority, tmp_path, trusting)
            await answer_a_call(exchange, config, f"wss://localhost:{port}/media")
            for _, headers in exchange.requests:
                assert "x-api-key" not in headers
                assert "x-connector-uuid" not in headers

    @pytest.mark.parametrize("has_certificate", [False, True], ids=["none", "of somebody else"])
    async def test_an_exchange_that_refuses_the_certificate_and_says_so(
        self,
        trusting: ssl.SSLContext,
        demanding: ssl.SSLContext,
        tmp_path: Path,
        has_certificate: bool,
    ) -> None:
        async with trio.open_nursery() as nursery:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listener.socket.getsockname()[1]
            serve = functools.partial(refuse_in_tls, demanding)
            nursery.start_soon(trio.serve_listeners, serve, [listener])
            error = await failure(
                self.production(port, trustme.CA(), tmp_path, trusting)
                if has_certificate
                else sandbox(port, ssl_context=trusting)
            )
            nursery.cancel_scope.cancel()
        assert isinstance(error, WSSTLSError)
        assert "check WSS_CERT_PATH" in str(error)

    async def test_a_certificate_that_is_refused_without_a_word(
        self, trusting: ssl.SSLContext, demanding: ssl.SSLContext
    ) -> None:
        async with serve_exchange(demanding) as (exchange, port):
            await failure(sandbox(port, ssl_context=trusting))
            assert exchange.requests == []

    async def test_a_certificate_that_was_renewed_is_used(
        self,
        authority: trustme.CA,
        trusting: ssl.SSLContext,
        demanding: ssl.SSLContext,
        tmp_path: Path,
    ) -> None:
        connections: list[ssl.SSLObject] = []
        demanding.sni_callback = lambda connection, _, __: connections.append(connection)
        async with serve_exchange(demanding) as (exchange, port):
            config = self.production(port, authority, tmp_path, trusting)
            async with open_call_client(config):
                control = await exchange.control()
                self.production(port, authority, tmp_path, trusting)
                await control.cut()
                await exchange.control()
        certificates = [connection.getpeercert() for connection in connections]
        assert None not in certificates
        first, second = certificates
        assert first != second

    async def test_a_key_that_does_not_fit_is_told_before_connecting(
        self, authority: trustme.CA, trusting: ssl.SSLContext, tmp_path: Path
    ) -> None:
        config = self.production(1, authority, tmp_path, trusting)
        authority.issue_cert("other").private_key_pem.write_to_path(tmp_path / "key.pem")
        with pytest.raises(WSSConfigError, match="WSS_CERT_PATH"):
            async with open_call_client(config):
                pytest.fail("it never stood")


async def test_a_context_that_verifies_nothing_connects_to_nothing() -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    lax.verify_mode = ssl.CERT_NONE
    with pytest.raises(WSSConfigError, match="does not verify"):
        async with open_call_client(sandbox(1, ssl_context=lax)):
            pytest.fail("it never stood")
