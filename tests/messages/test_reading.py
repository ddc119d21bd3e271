"""What is written to a client: who reads it, in which order, and what becomes of the rest."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.peers.messaging import (
    PARTNER,
    MessageExchange,
    body,
    closed,
    message_in,
    open_reader,
    text,
)
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import events, open_call_client
from trio_calls.client.unread_messages import MAX_UNREAD_MESSAGES
from trio_calls.sessions import Conversation, ConversationEnd, IncomingMessage

quiet = trio.testing.wait_all_tasks_blocked


@on_the_first_wire
async def test_from_the_offer_to_the_message(exchange: FakeExchange) -> None:
    got: list[IncomingMessage] = []

    async def handle(conversation: Conversation) -> None:
        assert (conversation.channel, conversation.remote_address) == ("WA", PARTNER)
        assert (conversation.local_address, conversation.opened_at) == ("6563334444", 1760000001)
        assert conversation.ending is None
        assert client.conversations == (conversation,)
        got.extend([message async for message in conversation])

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s", openedAt=1760000001)
        content = {"type": "image", "image": {"id": "1", "caption": None}, "context": [1.5, True]}
        await wire.tell(message_in("s", content), closed("s"))
        await quiet()
        assert got == [IncomingMessage(PARTNER, content)]
        assert client.conversations == ()
        assert await wire.is_quiet()


async def test_messages_come_in_their_order_to_their_conversation(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.bring("a")
        await wire.bring("b")
        for number in range(40):
            await wire.write("ab"[number % 2], str(number))
        await quiet()
        assert reader.read["a"] == [str(number) for number in range(0, 40, 2)]
        assert reader.read["b"] == [str(number) for number in range(1, 40, 2)]


@on_the_first_wire
async def test_offers_wait_for_a_handler(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        wire = MessageExchange(await exchange.control())
        await wire.offer("a", "b", "a")
        await wire.close("b")
        assert await wire.is_quiet()
        client.on(events.INCOMING_MESSAGE)(lambda conversation: None)
        await wire.grant("a")
        assert await wire.is_quiet()


@on_the_first_wire
@pytest.mark.parametrize(
    ("fields", "is_claimed"),
    [
        ({}, True),
        ({"activity": "RESUME"}, True),
        ({"activity": "SOMETHING_NEWER"}, False),
        ({"channel": "SMS"}, False),
        ({"channel": "TELCO"}, False),
        ({"channel": "TELCO", "activity": "NEW_INCOMING_CALL"}, False),
    ],
)
async def test_what_is_claimed_for_a_handler_of_messages(
    exchange: FakeExchange, fields: dict[str, str], is_claimed: bool
) -> None:
    async with open_reader(exchange) as (_, wire, _):
        await wire.offer("s", **fields)
        assert await wire.is_quiet() is not is_claimed


async def test_a_call_and_a_conversation_at_once(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        wire = MessageExchange(control)
        client.on(events.INCOMING_MESSAGE)(lambda conversation: None)
        await control.ring("call")
        await wire.bring("s")
        await switchboard.next_call()
        await wire.close("s")
        await quiet()
        assert len(client.calls) == 1


@on_the_first_wire
async def test_an_offer_of_what_is_held_is_a_repetition(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.bring("s")
        await wire.offer("s", "s")
        assert await wire.is_quiet()
        assert len(reader.conversations) == 1


async def test_a_handler_that_is_done_is_called_with_what_comes_next(
    exchange: FakeExchange,
) -> None:
    read: list[list[str]] = []

    async def read_one(conversation: Conversation) -> None:
        read.append([])
        async for message in conversation:
            read[-1].append(body(message))
            return

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(read_one)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await wire.write("s", "1", "2", "3")
        await quiet()
        assert read == [["1"], ["2"], ["3"]]
        assert client.conversations == ()
        await wire.write("s", "4")
        await quiet()
        assert read == [["1"], ["2"], ["3"], ["4"]]
        assert await wire.is_quiet()


@on_the_first_wire
async def test_a_handler_that_reads_nothing_is_called_once_for_each(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Conversation] = []
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(calls.append)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        for number in (2, 3, 4):
            await wire.write("s", "hello")
            await quiet()
            assert len(calls) == number
        await wire.close("s")
        await quiet()
    assert "conversation s: 3 messages were never read" in caplog.text


@on_the_first_wire
async def test_a_handler_that_blocks_holds_up_nobody(exchange: FakeExchange) -> None:
    began = trio.Event()
    read: list[str] = []

    async def handle(conversation: Conversation) -> None:
        if conversation.session_id == "slow":
            began.set()
            await trio.sleep(3600)
        read.extend([body(message) async for message in conversation])

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("slow")
        await began.wait()
        await wire.write("slow", "waits")
        await wire.bring("quick")
        await wire.tell(message_in("quick", text("at once")), closed("quick"))
        await quiet()
        assert (read, trio.current_time()) == (["at once"], 0)
        await trio.sleep(3600)
        await wire.close("slow")
        await quiet()
        assert read == ["at once", "waits"]


@on_the_first_wire
async def test_a_busy_handler_sees_the_end_at_once(exchange: FakeExchange) -> None:
    seen: list[ConversationEnd] = []

    async def handle(conversation: Conversation) -> None:
        await anext(conversation)
        await trio.sleep(20)
        assert conversation.ending is not None
        seen.append(conversation.ending.cause)

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await wire.write("s", "takes long")
        await wire.close("s")
        await quiet()
        assert [each.ending is None for each in client.conversations] == [False]
        await trio.sleep(21)
        assert seen == [ConversationEnd.EXCHANGE]


async def test_messages_beyond_a_hundred_are_read_as_well(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.bring("s")
        numbers = [str(number) for number in range(500)]
        await wire.write("s", *numbers)
        await quiet()
        assert reader.read["s"] == numbers
        assert reader.conversations[0].dropped_messages == 0


@on_the_first_wire
async def test_what_there_is_no_room_for_is_counted_and_said(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = trio.Event()
    read: list[str] = []

    async def handle(conversation: Conversation) -> None:
        await go_on.wait()
        read.extend([body(message) async for message in conversation])
        assert conversation.dropped_messages == 5

    async with open_call_client(exchange.config(crash_on_handler_error=True)) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        numbers = [str(number) for number in range(MAX_UNREAD_MESSAGES + 5)]
        await wire.write("s", *numbers)
        await quiet()
        go_on.set()
        await quiet()
        await wire.write("s", "later")
        await wire.close("s")
        await quiet()
    assert read == [*numbers[:MAX_UNREAD_MESSAGES], "later"]
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(", as")[0] for line in said] == [
        f"conversation s: messages are dropped, {number} so far" for number in (1, 2, 4)
    ]


@on_the_first_wire
async def test_two_readers_share_what_comes(exchange: FakeExchange) -> None:
    read: list[str] = []

    async def handle(conversation: Conversation) -> None:
        async def read_all() -> None:
            async for message in conversation:
                read.append(body(message))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_all)
            nursery.start_soon(read_all)

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await wire.write("s", *"abcdef")
        await wire.close("s")
        await quiet()
        assert sorted(read) == [*"abcdef"]
        assert client.conversations == ()


@on_the_first_wire
@pytest.mark.parametrize("frame", [{"content": "text"}, {"content": None}, {"sender": 6591}])
async def test_a_message_that_makes_no_sense_is_dropped_and_said(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture, frame: dict[str, object]
) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.bring("s")
        await wire.tell({**message_in("s", text("private")), **frame})
        await wire.write("s", "next")
        await quiet()
        assert reader.read["s"] == ["next"]
    assert "wa.msg.in" in caplog.text
    assert "private" not in caplog.text


@on_the_second_wire
@pytest.mark.parametrize(
    "frame",
    [{"payload": "text"}, {"payload": None}, {"participant": 6591}, {"id": 7}],
)
async def test_so_is_one_of_the_second_wire(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture, frame: dict[str, object]
) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.tell({**wire.words.message_in("s", text("private")), **frame})
        await wire.write("s", "next")
        await quiet()
        assert reader.read["s"] == ["next"]
    assert "msg.in" in caplog.text
    assert "private" not in caplog.text


@on_the_first_wire
async def test_a_message_of_no_conversation_is_dropped_and_said(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.write("nobody's", "private")
        await quiet()
        assert reader.conversations == []
    assert "messages were dropped, 1 so far: their conversations are not open here" in caplog.text
    assert "private" not in caplog.text


@on_the_first_wire
@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("FORCE_CLOSE", ConversationEnd.EXCHANGE),
        ("SDK_REQUEST", ConversationEnd.CLOSED),
        ("CALL_TERMINATED", ConversationEnd.EXCHANGE),
        ("SOMETHING_NEWER", ConversationEnd.EXCHANGE),
    ],
)
async def test_a_closed_conversation_says_why(
    exchange: FakeExchange, reason: str, cause: ConversationEnd
) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.bring("s")
        await wire.tell(message_in("s", text("last")), closed("s", reason), closed("s"))
        await quiet()
        assert reader.read["s"] == ["last"]
        ending = reader.conversations[0].ending
        assert ending is not None
        assert (ending.cause, ending.detail) == (cause, reason)
        assert reason in str(ending)
        assert repr(reader.conversations[0]) == f"<Conversation s, {ending}>"
