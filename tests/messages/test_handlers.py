"""The handler of messages fails, takes long, is cancelled, or is left alone: others go on."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing

from tests.support.in_memory import tasks_of_ours
from tests.support.peers.exchange import FakeExchange, http
from tests.support.peers.messaging import (
    API_VERSION,
    MessageExchange,
    Reader,
    body,
    no,
    ok,
    open_reader,
    text,
)
from tests.support.wires import on_the_first_wire
from trio_calls import CallClient, events, open_call_client
from trio_calls.sessions import (
    Conversation,
    ConversationEnd,
    WSSForbiddenError,
    WSSSessionClosedError,
    WSSSessionError,
)

pytestmark = on_the_first_wire

quiet = trio.testing.wait_all_tasks_blocked


class HandlerError(Exception):
    """What a handler raises."""


async def test_there_is_one_handler(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(Reader())
        with pytest.raises(ValueError, match="handler already"):
            client.on(events.INCOMING_MESSAGE)(Reader())


async def test_a_generator_is_no_handler(exchange: FakeExchange) -> None:
    async def handle(conversation: Conversation) -> AsyncIterator[None]:
        yield

    async with open_call_client(exchange.config()) as client:
        with pytest.raises(TypeError, match="generator"):
            client.on(events.INCOMING_MESSAGE)(handle)


async def test_a_handler_that_fails_is_logged_and_others_go_on(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    read: list[str] = []

    async def handle(conversation: Conversation) -> None:
        async for message in conversation:
            if body(message) == "bad":
                raise HandlerError("cannot read this")
            read.append(f"{conversation.session_id}: {body(message)}")

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("a")
        await wire.bring("b")
        await wire.write("a", "bad", "good")
        await wire.write("b", "good")
        await quiet()
        # What a failed handler has not read is for the next one.
        assert sorted(read) == ["a: good", "b: good"]
        (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
        assert record.getMessage() == "conversation a: its handler failed"
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], HandlerError)
        assert len(client.conversations) == 2
        assert await wire.is_quiet()


async def test_the_message_at_which_a_handler_fails_is_gone(exchange: FakeExchange) -> None:
    called: list[list[str]] = []

    async def handle(conversation: Conversation) -> None:
        called.append([])
        async for message in conversation:
            called[-1].append(body(message))
            if body(message) == "bad":
                raise HandlerError

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await wire.write("s", "good", "bad")
        await quiet()
        # Nothing waits: it is called again when somebody writes.
        assert called == [["good", "bad"]]
        await wire.write("s", "late")
        await quiet()
        assert called == [["good", "bad"], ["late"]]
        assert await wire.is_quiet()


async def test_a_handler_that_fails_may_end_the_client(exchange: FakeExchange) -> None:
    def handle(conversation: Conversation) -> None:
        raise HandlerError

    with pytest.RaisesGroup(pytest.RaisesGroup(HandlerError)):
        async with open_call_client(exchange.config(crash_on_handler_error=True)) as client:
            client.on(events.INCOMING_MESSAGE)(handle)
            await MessageExchange(await exchange.control()).bring("s")
            await trio.sleep_forever()
    assert tasks_of_ours() == []


async def test_to_answer_after_the_end_is_no_failure(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(conversation: Conversation) -> None:
        async for _ in conversation:
            await trio.sleep(1)
            await conversation.send(api_version=API_VERSION, data=text("too late"))

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await wire.write("s", "hello")
        await wire.close("s")
        await trio.sleep(2)
        assert client.conversations == ()
        assert await wire.is_quiet()
    assert caplog.records == []


async def test_after_the_end_a_handler_may_finish_its_work(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    finished: list[str] = []

    async def handle(conversation: Conversation) -> None:
        assert [message async for message in conversation] == []
        await trio.sleep(9 if conversation.session_id == "quick" else 11)
        finished.append(conversation.session_id)

    async with open_call_client(exchange.config(after_call_seconds=10)) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("quick")
        await wire.bring("slow")
        await wire.close("quick")
        await wire.close("slow")
        await trio.sleep(12)
        assert finished == ["quick"]
        assert client.conversations == ()
    assert "conversation slow: its handler was cancelled" in caplog.text


async def test_a_session_that_comes_again_gets_its_own_handler(exchange: FakeExchange) -> None:
    async def handle(conversation: Conversation) -> None:
        conversations.append(conversation)
        assert [message async for message in conversation] == []
        await trio.sleep(5)

    conversations: list[Conversation] = []
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await wire.close("s")
        await wire.offer("s")
        assert await wire.is_quiet()  # one at a time
        await wire.grant("s")
        assert trio.current_time() == 5
        await quiet()
        assert len(conversations) == 2
        assert conversations[0] is not conversations[1]


async def test_handlers_see_the_context_of_the_client(exchange: FakeExchange) -> None:
    name = contextvars.ContextVar("name", default="nothing")
    seen: list[str] = []

    async def handle(conversation: Conversation) -> None:
        seen.append(name.get())
        name.set("another's")

    name.set("the client's")
    async with open_call_client(exchange.config()) as client:
        name.set("the block's")
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        for session_id in ("a", "b"):
            await wire.bring(session_id)
            await quiet()
    assert seen == ["the client's"] * 2


class TestClosing:
    CLOSED = http(200, '{"closedAt":1760000000,"reason":"SDK_REQUEST"}')

    async def test_the_exchange_is_asked_once(self, exchange: FakeExchange) -> None:
        async def handle(conversation: Conversation) -> None:
            conversations.append(conversation)
            exchange.answers.append(self.CLOSED)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(conversation.close)
                nursery.start_soon(conversation.close)
            await conversation.close()
            assert [body(message) async for message in conversation] == ["last words"]
            with pytest.raises(WSSSessionClosedError):
                await conversation.send(api_version=API_VERSION, data={})

        conversations: list[Conversation] = []
        async with open_call_client(exchange.config(crash_on_handler_error=True)) as client:
            client.sessions._has_http = True  # without a thread that takes its time
            client.on(events.INCOMING_MESSAGE)(handle)
            wire = MessageExchange(await exchange.control())
            await wire.bring("s")
            await quiet()
            assert len(exchange.asked) == 1
            assert exchange.asked[0].startswith(b"POST /public/v1/sessions/s/close ")
            (conversation,) = conversations
            assert conversation.ending is None
            await wire.write("s", "last words")
            await wire.close("s", "SDK_REQUEST")
            await quiet()
            assert trio.current_time() == 0
            assert str(conversation.ending) == "an application closed it (SDK_REQUEST)"
            assert list(client.conversations) == []
            # There is nothing to claim on the next connection.
            await wire.control.cut()
            assert await MessageExchange(await exchange.control()).is_quiet()

    async def test_the_news_of_it_is_waited_for_10_s(self, exchange: FakeExchange) -> None:
        async with (
            open_call_client(exchange.config()) as client,
            trio.open_nursery() as nursery,
        ):
            wire = MessageExchange(await exchange.control())
            nursery.start_soon(wire.grant, "s")
            async with client.open_conversation("s") as conversation:
                exchange.answers.append(self.CLOSED)
                await conversation.close()
                assert trio.current_time() == 10
                assert conversation.ending is not None
                assert conversation.ending.cause is ConversationEnd.CLOSED

    @pytest.mark.parametrize("code", ["SESSION_CLOSED", "SESSION_NOT_FOUND"])
    @pytest.mark.parametrize("learns", ["from a claim", "from a message"])
    async def test_who_has_closed_it_is_known_without_the_news(
        self, exchange: FakeExchange, nursery: trio.Nursery, code: str, learns: str
    ) -> None:
        async with open_reader(exchange) as (client, wire, reader):
            client.sessions._has_http = True  # without a thread that takes its time
            await wire.bring("s")
            await quiet()
            (conversation,) = reader.conversations
            exchange.answers.append(self.CLOSED)
            nursery.start_soon(conversation.close)
            await quiet()
            if learns == "from a claim":
                await wire.control.cut()
                await MessageExchange(await exchange.control()).refuse("s", code)
            else:

                @nursery.start_soon
                async def refuse() -> None:
                    await wire.tell(no(await wire.take("s"), code))

                with pytest.raises(WSSSessionError):
                    await conversation.send(api_version=API_VERSION, data={})
            await quiet()
            assert conversation.ending is not None
            assert conversation.ending.cause is ConversationEnd.CLOSED

    async def test_a_close_that_fails_is_told(self, exchange: FakeExchange) -> None:
        async with (
            open_call_client(exchange.config()) as client,
            trio.open_nursery() as nursery,
        ):
            wire = MessageExchange(await exchange.control())
            nursery.start_soon(wire.grant, "s")
            async with client.open_conversation("s") as conversation:
                exchange.answers.append(http(403, '{"code":"FORBIDDEN","message":"not yours"}'))
                with pytest.raises(WSSForbiddenError):
                    await conversation.close()
                assert conversation.ending is not None
                await conversation.close()

    @pytest.mark.parametrize("session_id", ["..", "", "line\nbreak"])
    async def test_an_id_that_fits_in_no_address_ends_nothing_else(
        self, exchange: FakeExchange, session_id: str
    ) -> None:
        async with open_reader(exchange) as (client, wire, reader):
            await wire.bring("other")
            await wire.bring(session_id)
            await quiet()
            _, conversation = client.conversations
            with pytest.raises(ValueError, match="session_id must"):
                await conversation.close()
            assert conversation.ending is not None
            await wire.write("other", "still there?")
            await quiet()
            assert reader.read["other"] == ["still there?"]
            assert exchange.asked == []

    async def test_who_is_cancelled_has_asked(self, exchange: FakeExchange) -> None:
        async with (
            open_call_client(exchange.config()) as client,
            trio.open_nursery() as nursery,
        ):
            wire = MessageExchange(await exchange.control())
            client.sessions._has_http = True  # without a thread that takes its time
            nursery.start_soon(wire.grant, "s")
            async with client.open_conversation("s") as conversation:
                exchange.answers.append(self.CLOSED)
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await conversation.close()
                assert conversation.ending is None
                await quiet()
                assert len(exchange.asked) == 1
                await wire.close("s", "SDK_REQUEST")
                await quiet()
                assert conversation.ending is not None


class TestLeaving:
    @pytest.mark.parametrize("how", ["normally", "with an error", "by cancellation"])
    async def test_every_conversation_is_left_and_no_task_stays(
        self, exchange: FakeExchange, how: str
    ) -> None:
        reader = Reader()
        conversations = []
        with trio.CancelScope() as scope:
            try:
                async with open_call_client(exchange.config()) as client:
                    client.on(events.INCOMING_MESSAGE)(reader)
                    wire = MessageExchange(await exchange.control())
                    await wire.bring("a")
                    await wire.bring("b")
                    await quiet()
                    conversations = list(client.conversations)
                    match how:
                        case "with an error":
                            raise HandlerError
                        case "by cancellation":
                            scope.cancel()
                            await trio.sleep_forever()
            except* HandlerError:
                pass
        assert reader.reading == 0
        for conversation in conversations:
            assert conversation.ending is not None
            assert conversation.ending.cause is ConversationEnd.LEFT
        assert len(conversations) == 2
        await wire.control.over.wait()
        assert await wire.is_quiet()
        assert tasks_of_ours() == []

    async def test_a_goodbye_behind_a_shield_goes_out(self, exchange: FakeExchange) -> None:
        sent = []

        async def handle(conversation: Conversation) -> None:
            try:
                async for _ in conversation:
                    pass
            finally:
                with trio.move_on_after(2, shield=True):
                    goodbye = text("goodbye")
                    sent.append(await conversation.send(api_version=API_VERSION, data=goodbye))

        async with (
            trio.open_nursery() as nursery,
            open_call_client(exchange.config()) as client,
        ):
            client.on(events.INCOMING_MESSAGE)(handle)
            wire = MessageExchange(await exchange.control())
            await wire.bring("s")
            await quiet()

            @nursery.start_soon
            async def answer() -> None:
                frame = await wire.take("s")
                assert frame["data"]["data"] == text("goodbye")
                await wire.tell(ok(frame, "heard"))

        assert [each.answer for each in sent] == ["heard"]

    async def test_who_reads_elsewhere_ends_as_well(self, exchange: FakeExchange) -> None:
        read: list[str] = []
        async with trio.open_nursery() as nursery:

            async def read_all(client: CallClient) -> None:
                async with client.open_conversation("s") as conversation:
                    read.extend([body(message) async for message in conversation])
                    assert conversation.ending is not None
                read.append("the end")

            async with open_call_client(exchange.config()) as client:
                wire = MessageExchange(await exchange.control())
                nursery.start_soon(read_all, client)
                await wire.grant("s")
                await quiet()
        assert read == ["the end"]


class TestDraining:
    async def test_readers_end_when_everything_was_read(self, exchange: FakeExchange) -> None:
        answered: list[str] = []

        async def handle(conversation: Conversation) -> None:
            async for message in conversation:
                await trio.sleep(1)
                await conversation.send(api_version=API_VERSION, data=message.content)
                answered.append(body(message))

        async with (
            open_call_client(exchange.config()) as client,
            trio.open_nursery() as nursery,
        ):
            client.on(events.INCOMING_MESSAGE)(handle)
            wire = MessageExchange(await exchange.control())
            await wire.bring("busy")
            await wire.bring("idle")
            await wire.write("busy", "1", "2")
            await quiet()

            @nursery.start_soon
            async def answer() -> None:
                while True:
                    await wire.tell(ok(await wire.take("busy")))

            await client.drain()
            assert trio.current_time() == 2
            assert answered == ["1", "2"]
            assert client.conversations == ()
            nursery.cancel_scope.cancel()

    async def test_offers_are_left_to_others_for_good(self, exchange: FakeExchange) -> None:
        async with open_call_client(exchange.config()) as client:
            wire = MessageExchange(await exchange.control())
            await wire.offer("waits")
            await client.drain()
            client.on(events.INCOMING_MESSAGE)(Reader())
            await wire.offer("s")
            assert await wire.is_quiet()

    async def test_what_is_granted_later_stays_the_exchanges(self, exchange: FakeExchange) -> None:
        async with open_reader(exchange) as (client, wire, reader):
            await wire.offer("s")
            claim = await wire.expect("session.open")
            await client.drain()
            await wire.tell(ok(claim))
            # Nothing is delivered before `session.ready`, which does not come.
            assert await wire.is_quiet()
            assert reader.conversations == []

    async def test_on_a_new_connection_what_nobody_reads_is_left(
        self, exchange: FakeExchange
    ) -> None:
        async with open_reader(exchange) as (client, wire, reader), trio.open_nursery() as nursery:
            await wire.bring("left")
            await quiet()
            (left,) = reader.conversations
            nursery.start_soon(wire.grant, "block")
            async with client.open_conversation("block"):
                await client.drain()
                await quiet()
                await wire.control.cut()
                again = MessageExchange(await exchange.control())
                await again.grant("block")
                assert await again.is_quiet()
            assert left.ending is not None
            assert left.ending.cause is ConversationEnd.LEFT

    async def test_the_deadline_cancels_who_is_still_at_work(
        self, exchange: FakeExchange, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def handle(conversation: Conversation) -> None:
            await trio.sleep_forever()

        async with open_call_client(exchange.config()) as client:
            client.on(events.INCOMING_MESSAGE)(handle)
            wire = MessageExchange(await exchange.control())
            await wire.bring("s")
            await wire.write("s", "unread")
            await quiet()
            await client.drain(7)
            assert trio.current_time() == 7
            assert client.conversations == ()
        assert "conversation s: its handler was cancelled" in caplog.text
        assert "conversation s: 1 messages were never read" in caplog.text

    async def test_blocks_are_not_waited_for(self, exchange: FakeExchange) -> None:
        async with (
            open_call_client(exchange.config()) as client,
            trio.open_nursery() as nursery,
        ):
            wire = MessageExchange(await exchange.control())
            nursery.start_soon(wire.grant, "s")
            async with client.open_conversation("s") as conversation:
                await client.drain()
                assert [body(message) async for message in conversation] == []
                assert conversation.ending is None
