"""The official client reads and writes messages at the simulator."""

from __future__ import annotations

import asyncio

import pytest
import telcoflow
from telcoflow.messages import SendWAMessage

from tests.support.asyncio_thread import AsyncioThread
from tests.support.official_client import OfficialClient, open_client, open_exchange
from trio_calls.simulator import Partner, refuse

pytestmark = pytest.mark.slow

GREETING = {
    "messaging_product": "whatsapp",
    "type": "text",
    "to": "6591",
    "text": {"body": "welcome"},
}


class Messages:
    """What the official client's session has received."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[telcoflow.IncomingMessage] = asyncio.Queue()
        self.closings: asyncio.Queue[telcoflow.CloseReason] = asyncio.Queue()

    async def text(self) -> str:
        message = await self.queue.get()
        return str(message.content["text"]["body"])


async def take_conversation(
    aio: AsyncioThread, client: OfficialClient, partner: Partner
) -> tuple[telcoflow.Session, Messages]:
    """Claim the conversation that is offered, and get ready for it."""
    messages = Messages()
    offer = await aio.run(client.offers.get)
    assert offer.session_id == partner.session_id
    assert offer.channel == telcoflow.ChannelType.WA
    assert offer.activity == telcoflow.SessionActivityType.NEW_INCOMING_MESSAGE
    session = await aio.run(client.manager.open_session, offer.session_id)
    assert session.channel == telcoflow.ChannelType.WA
    session.on_incoming_message(messages.queue.put)
    session.on_closed(messages.closings.put)
    await aio.run(session.ready)
    return session, messages


async def test_messages_go_both_ways() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        partner = simulator.place_message(sender="6591", receiver="6562", content="hello")
        session, messages = await take_conversation(aio, client, partner)
        assert (session.remote_address, session.local_address) == ("6591", "6562")
        assert await aio.run(messages.text) == "hello"
        result = await aio.run(session.send_message, SendWAMessage("v23.0", GREETING))
        assert result.success
        assert result.response_content["messages"][0]["id"].startswith("wamid.")
        reply = await partner.wait_reply()
        assert (reply.content, reply.api_version) == (GREETING, "v23.0")
        partner.write("thanks")
        assert await aio.run(messages.text) == "thanks"
        partner.close(reason="FORCE_CLOSE")
        assert await aio.run(messages.closings.get) == telcoflow.CloseReason.FORCE_CLOSE
        assert session.is_closed


async def test_a_refused_message() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        partner = simulator.place_message()
        session, messages = await take_conversation(aio, client, partner)
        simulator.inject(refuse("wa.msg.out", error_code="OVERFLOW"), call=partner)
        result = await aio.run(session.send_message, SendWAMessage("v23.0", GREETING))
        assert not result.success
        assert result.error_code == telcoflow.MessageErrorCode.OVERFLOW
        assert partner.replies == []
        partner.close(reason="SDK_REQUEST")
        assert await aio.run(messages.closings.get) == telcoflow.CloseReason.SDK_REQUEST
