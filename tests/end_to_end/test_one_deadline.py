"""Connecting has one deadline, whatever it is spent on: a name, a route, TLS, the handshake."""

import socket
import ssl
from typing import Any

import pytest
import trio
import trustme

from tests.support.peers.exchange import SILENCE, FakeExchange
from trio_calls import WSSConnectionError, open_call_client


class EndlessLookup(trio.abc.HostnameResolver):
    """Looks a name up, and never comes to an end."""

    async def getaddrinfo(  # noqa: PLR0917  # Trio's own signature
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        await trio.sleep_forever()

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        raise socket.gaierror(socket.EAI_NONAME, "nobody asks for this")


async def gives_up_after_10_s(exchange: FakeExchange, **settings: Any) -> None:
    with pytest.raises(WSSConnectionError, match="no answer within 10 s"):
        async with open_call_client(exchange.config(**settings)):
            pytest.fail("it never stood")
    assert trio.current_time() == 10


async def test_a_name_that_is_looked_up_for_ever_is_given_up(exchange: FakeExchange) -> None:
    trio.socket.set_custom_hostname_resolver(EndlessLookup())
    await gives_up_after_10_s(exchange, open_stream=None)


async def test_the_network_and_the_handshake_share_a_deadline(
    exchange: FakeExchange,
) -> None:
    exchange.delay = 6
    exchange.answers.append(SILENCE)
    await gives_up_after_10_s(exchange)


async def test_nor_is_time_that_tls_took(exchange: FakeExchange) -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    exchange.ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("exchange").configure_cert(exchange.ssl_context)
    exchange.delay = 6
    exchange.answers.append(SILENCE)
    await gives_up_after_10_s(exchange, base_url="wss://exchange", ssl_context=trusting)
