"""Conversations that an agent starts, finds in a list, closes, or does not want to be offered."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked as quiet

from tests.support.peers.messaging import API_VERSION, body, text
from tests.support.wires import on_the_first_wire
from trio_calls import events, open_call_client
from trio_calls.sessions import Conversation, ConversationEnd, WSSSessionExistsError
from trio_calls.simulator import Simulator

pytestmark = on_the_first_wire

NUMBER = "6591112222"


async def test_an_agent_writes_first(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("WA", NUMBER)
        async with client.open_conversation(session_id) as conversation:
            await conversation.send(api_version=API_VERSION, data=text("Your bicycle is ready."))
            (partner,) = simulator.partners
            assert (partner.number, partner.session_id) == (NUMBER, session_id)
            assert (await partner.wait_reply()).text == "Your bicycle is ready."
            partner.write("Thanks!")
            assert body(await anext(conversation)) == "Thanks!"
            with pytest.raises(WSSSessionExistsError) as there_is_one:
                await client.sessions.create("WA", NUMBER)
            assert there_is_one.value.session_id == session_id
    assert not simulator.violations


async def test_conversations_are_listed(simulator: Simulator) -> None:
    written = simulator.place_message(sender="6591", content="hello")
    simulator.place_call()
    async with open_call_client(simulator.config) as client:
        started = await client.sessions.create("WA", NUMBER)
        listed = await client.sessions.list("WA")
        assert [(each.session_id, each.initiator) for each in listed] == [
            (written.session_id, "CONNECTOR"),
            (started, "SDK"),
        ]
        assert len(await client.sessions.list()) == 3
        (found,) = await client.sessions.list("WA", NUMBER)
        assert (found.session_id, found.closed_at) == (started, None)


async def test_closing_ends_it_for_both(simulator: Simulator) -> None:
    ended: list[ConversationEnd] = []

    async def read(conversation: Conversation) -> None:
        async for _ in conversation:
            await conversation.close()
        assert conversation.ending is not None
        ended.append(conversation.ending.cause)

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(read)
        partner = simulator.place_message(content="goodbye")
        await partner.wait_closed()
        assert partner.close_reason == "SDK_REQUEST"
        assert await client.sessions.list("WA") == []
        await quiet()
    assert ended == [ConversationEnd.CLOSED]


async def test_one_that_is_closed_from_elsewhere_ends(simulator: Simulator) -> None:
    reading, done = trio.Event(), trio.Event()

    async def read(conversation: Conversation) -> None:
        reading.set()
        async for _ in conversation:
            pass
        done.set()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_MESSAGE)(read)
        partner = simulator.place_message()
        await reading.wait()
        closure = await client.sessions.close(partner.session_id)
        assert closure.reason == "SDK_REQUEST"
        with trio.fail_after(5):
            await done.wait()


async def test_what_is_off_is_not_offered(simulator: Simulator) -> None:
    async def read(conversation: Conversation) -> None:
        async for message in conversation:
            await conversation.send(api_version=API_VERSION, data=text(body(message)))

    everything = {"inbound_calls": "all", "outbound_calls": True, "outbound_messages": True}
    async with open_call_client(simulator.config) as client:
        await client.set_call_flow(**everything, inbound_messages=False)  # type: ignore[arg-type]
        client.on(events.INCOMING_MESSAGE)(read)
        partner = simulator.place_message(content="is anybody there?")
        await trio.sleep(10)
        assert not partner.was_claimed
        await client.set_call_flow(**everything, inbound_messages=True)  # type: ignore[arg-type]
        assert (await partner.wait_reply()).text == "is anybody there?"
