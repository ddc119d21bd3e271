"""Conversations on the second wire, where nothing is claimed: what is written is somebody's."""

from __future__ import annotations

import pytest
import trio

from tests.support.peers.messaging import API_VERSION, body, text
from tests.support.transports import on_one_transport
from trio_calls import events, open_call_client
from trio_calls.sessions import Conversation, ConversationEnd
from trio_calls.simulator import Simulator, cut_control

pytestmark = [on_one_transport, pytest.mark.parametrize("wire", ["second"])]

AGENT = "6562220000"
PARTNER = "6591110000"


def message(to: str, words: str) -> dict[str, object]:
    return {**text(words), "to": to}


async def echo(conversation: Conversation) -> None:
    async for written in conversation:
        await conversation.send(
            api_version=API_VERSION, data=message(conversation.remote_address, body(written))
        )


async def test_what_is_written_is_read_and_answered(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(echo)
        partner = simulator.place_message(sender=PARTNER, content="hello")
        assert (await partner.wait_reply()).text == "hello"
        partner.write("and more")
        assert (await partner.wait_reply()).text == "and more"
        [conversation] = client.conversations
        [listed] = await client.sessions.list("WA", PARTNER)
        assert listed.session_id == conversation.session_id
        assert (conversation.channel, conversation.remote_address) == ("WA", PARTNER)
    assert simulator.violations == []


async def test_what_is_written_before_there_is_a_handler_waits(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        partner = simulator.place_message(sender=PARTNER, content="anybody?")
        await trio.sleep(5)
        client.on(events.INCOMING_MESSAGE)(echo)
        assert (await partner.wait_reply()).text == "anybody?"


async def test_a_conversation_goes_on_over_a_reconnect(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(echo)
        partner = simulator.place_message(sender=PARTNER, content="one")
        assert (await partner.wait_reply()).text == "one"
        simulator.inject(cut_control())
        await trio.sleep(20)
        partner.write("two")
        assert (await partner.wait_reply()).text == "two"


async def test_a_session_that_was_forgotten_is_opened_again(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(echo)
        partner = simulator.place_message(sender=PARTNER, content="one")
        assert (await partner.wait_reply()).text == "one"
        # More than the exchange keeps a session in which nothing happens.
        await trio.sleep(3600)
        partner.write("two")
        assert (await partner.wait_reply()).text == "two"
        assert str(simulator.transcript).count("SESSION_NOT_FOUND") == 1


async def test_closing_it_is_an_affair_of_ours(simulator: Simulator) -> None:
    ended: list[ConversationEnd] = []

    async def answer_once(conversation: Conversation) -> None:
        await anext(conversation)
        await conversation.close()
        assert conversation.ending is not None
        ended.append(conversation.ending.cause)

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(answer_once)
        partner = simulator.place_message(sender=PARTNER, content="one")
        await trio.sleep(1)
        partner.write("two")
        await trio.sleep(1)
        assert ended == [ConversationEnd.CLOSED] * 2


async def test_an_agent_may_write_first(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        name = await client.sessions.create("WA", PARTNER, AGENT)
        async with client.open_conversation(name) as conversation:
            await conversation.send(api_version=API_VERSION, data=message(PARTNER, "good morning"))
        assert simulator.partners[-1].replies[-1].text == "good morning"
