"""What is written between tabs and agents."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock
from trio.testing import wait_all_tasks_blocked as quiet

from tests.support.peers.messaging import API_VERSION, body, text
from tests.support.peers.tab import Browser, TabInMemory, open_browser
from trio_calls import CallClient, events, open_call_client
from trio_calls.sessions import Conversation
from trio_calls.simulator import Simulator
from trio_calls.web import _chats as chats
from trio_calls.web._content_text import content_text

CALLER, IN_WHATSAPP, AGENT = "+65 9111 0000", "6591110000", "6562220000"


async def say(conversation: Conversation, words: str, to: str) -> None:
    """Write as WhatsApp has it: on the second wire, that alone names who is to read it."""
    await conversation.send(api_version=API_VERSION, data={**text(words), "to": to})


async def echo(conversation: Conversation) -> None:
    async for message in conversation:
        await say(conversation, f"{body(message)}?", conversation.remote_address)


def take_messages(client: CallClient) -> None:
    client.on(events.INCOMING_MESSAGE)(echo)


async def want_messages(client: CallClient, *, wanted: bool) -> None:
    """Say so. On the second wire, that holds for all clients, and those to come."""
    await client.set_call_flow(
        inbound_calls="all",
        outbound_calls=False,
        inbound_messages=wanted,
        outbound_messages=False,
    )


async def shown(tab: TabInMemory) -> list[str]:
    """Return what a tab shows: lines, and in what state the conversation was after them."""
    await quiet()
    return [
        told["state"] if told["type"] == "conversation" else f"{told['from']}: {told['text']}"
        for told in tab.messages
        if told["type"] in {"conversation", "message"}
    ]


async def reload(browser: Browser, tab: TabInMemory) -> TabInMemory:
    tab.leave()
    await quiet()
    return await browser.open_tab()


async def test_a_tab_writes_and_reads(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser, open_call_client(simulator.config) as client:
        take_messages(client)
        tab, other = await browser.open_tab(), await browser.open_tab()
        tab.send("write", text="Hello\n<b>")
        await tab.wait("message", text="Hello\n<b>?")
        await trio.sleep(2)
        tab.send("write", text="Open")
        at = (await tab.wait("message", text="Open?"))["at"]
        assert await shown(tab) == [
            *("waiting", "you: Hello\n<b>", "open", "agent: Hello\n<b>?"),
            *("you: Open", "agent: Open?"),
        ]
        assert at == pytest.approx(2, abs=0.1)
        assert await shown(other) == []
        assert [partner.number for partner in simulator.partners] == [IN_WHATSAPP]


async def test_it_waits_until_an_agent_takes_it(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        async with open_call_client(simulator.config) as client:
            await want_messages(client, wanted=False)
            tab.send("write", text="1")
            await trio.sleep(60)
            assert await shown(tab) == ["waiting", "you: 1"]
        async with open_call_client(simulator.config) as client:
            take_messages(client)
            await want_messages(client, wanted=True)
            await tab.wait("message", text="1?")
        # On the first wire it waits as soon as nobody has it.
        await quiet()
        tab.send("write", text="2")
        again = await shown(tab)
        assert again[2:4] == ["open", "agent: 1?"]
        assert sorted(again[4:]) == ["waiting", "you: 2"]


async def test_after_its_end_a_new_one_begins(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, open_call_client(simulator.config) as client:
        take_messages(client)
        tab = await browser.open_tab()
        for reason, sentence in [
            ("SDK_REQUEST", "The agent has closed it."),
            ("FORCE_CLOSE", "The exchange has closed it."),
            ("EARTHQUAKE", "It was closed: EARTHQUAKE."),
        ]:
            tab.send("write", text="again")
            await tab.wait("message", text="again?")
            simulator.partners[-1].close(reason=reason)
            await tab.wait("conversation", state="closed", reason=sentence)
        assert len(simulator.partners) == 3


async def test_an_agent_writes_first(simulator: Simulator, autojump_clock: MockClock) -> None:
    async with open_browser(simulator) as browser, open_call_client(simulator.config) as client:
        tab = await browser.open_tab()
        session_id = await client.sessions.create("WA", CALLER, AGENT)
        async with client.open_conversation(session_id) as conversation:
            await say(conversation, "It is ready.", CALLER)
            await tab.wait("message", text="It is ready.")
            tab.send("write", text="Thanks!")
            assert body(await anext(conversation)) == "Thanks!"
        assert len(simulator.partners) == 1


async def test_of_two_conversations_both_are_shown(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, open_call_client(simulator.config) as client:
        take_messages(client)
        tab = await browser.open_tab()
        first = simulator.place_message(sender=IN_WHATSAPP, content="1")
        await tab.wait("message", text="1?")
        second = simulator.place_message(sender=IN_WHATSAPP, receiver="65", content="2")
        await tab.wait("message", text="2?")
        first.write("3")
        await tab.wait("message", text="3?")
        tab.send("write", text="4")
        await tab.wait("message", text="4?")
        assert [each.text for each in second.replies] == ["2?", "4?"]
        second.close()
        tab.send("write", text="5")
        await tab.wait("message", text="5?")
        assert first.replies[-1].text == "5?"
        assert tab.told("conversation")[-1]["state"] == "open"


async def test_a_reloaded_tab_is_told_the_latest_again(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser, open_call_client(simulator.config) as client:
        take_messages(client)
        tab = await browser.open_tab()
        tab.send("write", text="1")
        await tab.wait("message", text="1?")
        tab = await reload(browser, tab)
        assert await shown(tab) == ["you: 1", "agent: 1?", "open"]
        tab.send("register", number="+65 8000 0000")
        tab.send("register", number=IN_WHATSAPP)
        await tab.wait("registered", number=IN_WHATSAPP)
        assert (await shown(tab))[3:] == ["you: 1", "agent: 1?", "open"]
        partner = simulator.partners[0]
        for number in range(300):
            partner.write(str(number))
        await tab.wait("message", text="299?")
        again = await shown(await reload(browser, tab))
        assert len(again) == 201
        assert again[-2] == "agent: 299?"


async def test_what_nobody_reads_is_bounded(
    simulator: Simulator, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "MAX_OPEN", 2)
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        for _ in range(chats.MAX_WAITING + 1):
            tab.send("write", text="x")
        refused = await tab.wait("error", about="write")
        assert refused["message"] == "100 messages wait for an agent already."
        assert len(simulator.partners[0].messages) == chats.MAX_WAITING
        for number in ("1", "2"):
            tab.send("register", number=number)
            tab.send("write", text="x")
        refused = await tab.wait("error", about="write")
        assert refused["message"] == "Too many conversations are open."
        assert len(simulator.partners) == 2


@pytest.mark.parametrize("nothing", ["", " ", "\n\t"])
async def test_nothing_is_not_sent(
    simulator: Simulator, autojump_clock: MockClock, nothing: str
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.send("write", text=nothing)
        refused = await tab.wait("error", about="write")
        assert refused["message"] == "There is nothing to send."
        assert simulator.partners == []


async def test_a_tab_that_is_gone_is_told_nothing(
    simulator: Simulator, autojump_clock: MockClock
) -> None:
    async with open_browser(simulator) as browser:
        tab = await browser.open_tab()
        tab.send("write", text="1")
        await tab.wait("message")
        tab.leave()
        await quiet()
        (partner,) = simulator.partners
        partner.write("2")
        assert partner.is_open
        assert len(tab.told("message")) == 1
    partner.write("3")


@pytest.mark.parametrize(
    ("content", "shown_as"),
    [
        (text("Hello"), "Hello"),
        (text(""), ""),
        (text("x" * 5000), "x" * 4095 + "…"),
        (text("a\ud800b"), "a?b"),
        ({"type": "image", "image": {"id": "7", "caption": "the bill"}}, "(image: the bill)"),
        ({"type": "template", "template": {"name": "is_ready"}}, "(template: is_ready)"),
        ({"type": "audio", "audio": {"id": "7", "caption": None}}, "(audio)"),
        ({"type": "image", "image": "of a bill"}, "(image)"),
        ({"type": "text", "text": {"body": 7}}, "(text)"),
        ({"type": "x" * 41}, "(something that is no text)"),
        ({"type": ["text"]}, "(something that is no text)"),
        ({}, "(something that is no text)"),
    ],
)
def test_what_a_message_says(content: dict[str, Any], shown_as: str) -> None:
    assert content_text(content) == shown_as
