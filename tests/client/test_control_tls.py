"""TLS that fails while reconnecting: certificates are renewed, and authorities come back."""

import logging
import ssl

import pytest
import trio
import trustme

from tests.support.peers.exchange import FakeExchange, Switchboard
from trio_calls import events, open_call_client


def server_context(authority: trustme.CA, host: str = "exchange") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


async def test_an_exchange_unverified_for_a_while_is_tried_again(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    exchange.ssl_context = server_context(authority)
    switchboard = Switchboard()
    config = exchange.config(base_url="wss://exchange", ssl_context=trusting)
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(switchboard)
        exchange.ssl_context = server_context(trustme.CA())
        await (await exchange.control()).cut()
        await trio.sleep(30)
        assert len(exchange.attempts) > 3
        assert len(exchange.requests) == 1

        exchange.ssl_context = server_context(authority)
        await (await exchange.control()).ring("s")
        await switchboard.next_call()
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "its certificate does not verify" in warnings[1]
