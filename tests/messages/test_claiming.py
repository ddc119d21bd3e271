"""Claiming sessions: from offers and by their ids, anew after a reconnect, and refused."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.messaging import (
    MessageExchange,
    Reader,
    body,
    closed,
    message_in,
    no,
    notify,
    ok,
    open_reader,
    text,
)
from tests.support.wires import on_the_first_wire
from trio_calls import (
    ActiveCall,
    CallClient,
    CallState,
    WSSConnectionError,
    events,
    open_call_client,
)
from trio_calls.client import conversation_claims, offer_queue
from trio_calls.sessions import (
    Conversation,
    ConversationEnd,
    OfferDecision,
    WSSMessageChannelError,
    WSSSessionBusyError,
    WSSSessionClosedError,
    WSSSessionError,
    WSSSessionExistsError,
    WSSSessionNotFoundError,
)

pytestmark = on_the_first_wire

quiet = trio.testing.wait_all_tasks_blocked


class Opened:
    """A block of `open_conversation` in the background, until `leave` is set."""

    def __init__(self, nursery: trio.Nursery, client: CallClient, session: Any = "s") -> None:
        self.conversation: Conversation | None = None
        self.error: Exception | None = None
        self.leave = trio.Event()
        self.scope = trio.CancelScope()
        nursery.start_soon(self._hold, client, session)

    async def _hold(self, client: CallClient, session: Any) -> None:
        try:
            with self.scope:
                async with client.open_conversation(session) as self.conversation:
                    await self.leave.wait()
        except Exception as error:
            self.error = error


async def test_two_opens_of_one_session_are_one(exchange: FakeExchange) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        blocks = [Opened(nursery, client) for _ in range(3)]
        await wire.grant("s")
        blocks.append(Opened(nursery, client))
        await quiet()
        assert await wire.is_quiet()
        assert blocks[0].conversation is not None
        assert all(block.conversation is blocks[0].conversation for block in blocks)
        assert list(client.conversations) == [blocks[0].conversation]
        for block in blocks:
            block.leave.set()
        await quiet()
        assert list(client.conversations) == []


async def test_who_is_cancelled_takes_nothing_from_who_waits_too(exchange: FakeExchange) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        first, second = Opened(nursery, client), Opened(nursery, client)
        claim = await wire.expect("session.open")
        first.scope.cancel()
        await quiet()
        await wire.tell(ok(claim))
        await wire.expect("session.ready")
        await quiet()
        assert (first.conversation, second.error) == (None, None)
        assert second.conversation is not None
        second.leave.set()


@attrs.frozen
class Offer:
    session_id: str


@pytest.mark.parametrize("session", ["s", Offer("s"), WSSSessionExistsError("?", session_id="s")])
async def test_a_session_is_named_by_its_id_or_by_what_has_it(
    exchange: FakeExchange, session: Any
) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        nursery.start_soon(wire.grant, "s")
        async with client.open_conversation(session) as conversation:
            assert conversation.session_id == "s"


@pytest.mark.parametrize("session", ["", "s" * 513, WSSSessionExistsError("?")])
async def test_what_names_no_session(exchange: FakeExchange, session: Any) -> None:
    async with open_call_client(exchange.config()) as client:
        wire = MessageExchange(await exchange.control())
        with pytest.raises(ValueError, match="a session has an id"):
            async with client.open_conversation(session):
                pass
        assert await wire.is_quiet()


async def test_a_block_that_was_left_keeps_its_session(exchange: FakeExchange) -> None:
    read = []
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        nursery.start_soon(wire.grant, "s")
        for said in ("1", "2"):
            async with client.open_conversation("s") as conversation:
                await wire.write("s", said, f"{said} again")
                read.append(body(await anext(conversation)))
        assert read == ["1", "1 again"]
        assert await wire.is_quiet()
        reader = Reader()
        client.on(events.INCOMING_MESSAGE)(reader)
        await quiet()
        assert reader.read == {"s": ["2", "2 again"]}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SESSION_BUSY", WSSSessionBusyError),
        ("SESSION_CLOSED", WSSSessionClosedError),
        ("SESSION_NOT_FOUND", WSSSessionNotFoundError),
        ("SOMETHING_NEWER", WSSSessionError),
        (None, WSSSessionError),
    ],
)
async def test_a_refused_claim_is_an_error_of_who_opens(
    exchange: FakeExchange, code: str | None, kind: type[WSSSessionError]
) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        blocks = [Opened(nursery, client), Opened(nursery, client)]
        await wire.refuse("s", code, {"boundSmWsId": "other"})
        await quiet()
        for block in blocks:
            assert type(block.error) is kind
            assert (block.error.error_code, block.error.session_id) == (code or "", "s")
        assert getattr(blocks[0].error, "holder", "other") == "other"
        again = Opened(nursery, client)
        await wire.grant("s")
        await quiet()
        assert again.conversation is not None
        again.leave.set()


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("SESSION_BUSY", "DEBUG"),
        ("SESSION_CLOSED", "DEBUG"),
        ("SESSION_NOT_FOUND", "DEBUG"),
        ("SOMETHING_NEWER", "WARNING"),
    ],
)
async def test_a_refused_claim_of_an_offer_is_only_logged(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture, code: str, level: str
) -> None:
    caplog.set_level("DEBUG")
    async with open_reader(exchange) as (_, wire, reader):
        await wire.offer("s")
        await wire.refuse("s", code)
        await quiet()
        assert reader.conversations == []
        await wire.bring("s")
        await quiet()
        assert len(reader.conversations) == 1
    (said,) = [each for each in caplog.records if "could not be claimed" in each.getMessage()]
    assert said.levelname == level


async def test_a_session_that_is_a_call_is_no_conversation(exchange: FakeExchange) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        block = Opened(nursery, client)
        claim = await wire.expect("session.open")
        await wire.tell(ok(claim, {"session": {"id": "s", "channel": "TELCO"}}))
        await quiet()
        assert isinstance(block.error, WSSMessageChannelError)
        assert await wire.is_quiet()


async def wait_for_end(call: ActiveCall) -> None:
    await call.wait_disconnected()


async def test_a_call_that_is_ours_is_not_claimed_again(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(wait_for_end)
        wire = MessageExchange(await exchange.control())
        await wire.ring("s")
        with pytest.raises(WSSMessageChannelError, match="is a call"):
            async with client.open_conversation("s"):
                pytest.fail("it is a call")
        assert await wire.is_quiet()


@pytest.mark.parametrize("decision", [OfferDecision.CLAIM, OfferDecision.LATER])
async def test_a_call_on_offer_is_not_taken_for_a_conversation(
    exchange: FakeExchange, decision: OfferDecision
) -> None:
    """It would be claimed and dropped, and its caller ring on for nobody."""
    is_asked = True
    async with open_call_client(
        exchange.config(claims=lambda _: decision if is_asked else OfferDecision.CLAIM)
    ) as client:
        wire = MessageExchange(await exchange.control())
        if decision is OfferDecision.LATER:
            client.on(events.INCOMING_CALL)(wait_for_end)
        await wire.offer("s", channel="TELCO", activity="NEW_INCOMING_CALL")
        await quiet()
        with pytest.raises(WSSMessageChannelError, match="is a call"):
            async with client.open_conversation("s"):
                pytest.fail("it is a call")
        assert await wire.is_quiet()
        is_asked = False
        if decision is OfferDecision.CLAIM:
            client.on(events.INCOMING_CALL)(wait_for_end)
        await wire.grant("s", channel="TELCO")
        await wire.control.send(call_in("s"))
        await quiet()
        assert len(client.calls) == 1


async def test_the_offer_of_a_call_is_not_opened_as_a_conversation(
    exchange: FakeExchange,
) -> None:
    offers: list[Any] = []

    def choose(offer: Any) -> OfferDecision:
        offers.append(offer)
        return OfferDecision.LEAVE

    async with open_call_client(exchange.config(claims=choose)) as client:
        client.on(events.INCOMING_CALL)(wait_for_end)
        wire = MessageExchange(await exchange.control())
        await wire.offer("s", channel="TELCO", activity="NEW_INCOMING_CALL")
        await quiet()
        with pytest.raises(WSSMessageChannelError, match="is a call"):
            async with client.open_conversation(offers[0]):
                pytest.fail("it is a call")
        assert await wire.is_quiet()


@pytest.mark.parametrize("is_held", [False, True])
async def test_a_conversation_is_not_opened_as_a_call(
    exchange: FakeExchange, is_held: bool
) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        await wire.offer("s")
        if is_held:
            block = Opened(nursery, client)
            await wire.grant("s")
        await quiet()
        asked_at = trio.current_time()
        with pytest.raises(WSSSessionError, match="nobody is called"):
            async with client.open_call("s"):
                pytest.fail("it is no call")
        assert trio.current_time() == asked_at
        assert await wire.is_quiet()
        if is_held:
            block.leave.set()


async def test_what_is_written_where_nobody_is_called_is_kept(exchange: FakeExchange) -> None:
    """The session is this client's, as it was claimed: nobody else is told what is written."""
    async with open_reader(exchange) as (client, wire, reader):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def call() -> None:
                with pytest.raises(WSSSessionError, match="nobody is called"):
                    async with client.open_call("s"):
                        pytest.fail("it is no call")

            claim = await wire.expect("session.open", sessionId="s")
            await wire.tell(ok(claim, {"session": {"id": "s", "channel": "WA"}}))
            await wire.refuse("s", "SESSION_BUSY", {"boundSmWsId": wire.control.connection_id})
        await wire.expect("session.ready")
        await wire.write("s", "hello")
        await quiet()
        assert reader.read["s"] == ["hello"]


async def test_a_call_taken_for_a_conversation_hears_of_its_end(exchange: FakeExchange) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        client.on(events.INCOMING_CALL)(wait_for_end)
        wire = MessageExchange(await exchange.control())
        block = Opened(nursery, client)
        claim = await wire.expect("session.open")
        await wire.ring("s")
        # An exchange that does not say what it is.
        await wire.tell(ok(claim))
        await wire.expect("session.ready")
        await quiet()
        assert block.conversation is not None
        (call,) = client.calls
        await wire.close("s", "CALL_TERMINATED")
        await quiet()
        assert (call.state, client.calls) == (CallState.DISCONNECTED, ())
        assert block.conversation.ending is not None
        block.leave.set()


@pytest.mark.parametrize("content", [None, [], {"session": None}, {"session": {"channel": 7}}])
async def test_a_grant_that_says_little_or_nonsense_is_one(
    exchange: FakeExchange, content: Any
) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        block = Opened(nursery, client)
        await wire.tell(ok(await wire.expect("session.open"), content))
        await wire.expect("session.ready")
        await quiet()
        conversation = block.conversation
        assert conversation is not None
        assert (conversation.channel, conversation.remote_address) == ("WA", "")
        assert conversation.opened_at == 0
        block.leave.set()


@pytest.mark.parametrize("is_granted", [True, False])
async def test_a_session_closed_as_it_is_claimed(exchange: FakeExchange, is_granted: bool) -> None:
    async with (
        open_call_client(exchange.config()) as client,
        trio.open_nursery() as nursery,
    ):
        wire = MessageExchange(await exchange.control())
        block = Opened(nursery, client)
        claim = await wire.expect("session.open")
        answer = ok(claim) if is_granted else no(claim, "SESSION_CLOSED")
        await wire.tell(closed("s"), answer)
        await quiet()
        assert isinstance(block.error, WSSSessionClosedError)
        assert await wire.is_quiet()
        assert list(client.conversations) == []


async def test_all_at_once_is_read_all_the_same(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.offer("s")
        claim = await wire.expect("session.open")
        await wire.tell(ok(claim), message_in("s", text("hi")), closed("s"))
        await quiet()
        assert reader.read == {"s": ["hi"]}


async def test_a_connection_lost_before_the_grant(exchange: FakeExchange) -> None:
    async with (
        open_reader(exchange) as (client, wire, reader),
        trio.open_nursery() as nursery,
    ):
        block = Opened(nursery, client, "mine")
        await wire.expect("session.open", sessionId="mine")
        await wire.offer("offered")
        await wire.expect("session.open", sessionId="offered")
        await wire.control.cut()
        newer = MessageExchange(await exchange.control())
        assert type(block.error) is WSSConnectionError
        assert await newer.is_quiet()
        assert reader.conversations == []
        await newer.bring("offered")
        await quiet()
        assert len(reader.conversations) == 1


async def test_without_a_connection_there_is_nothing_to_open(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        exchange.answers.append(OSError("down"))
        await control.cut()
        await quiet()
        with pytest.raises(WSSConnectionError):
            async with client.open_conversation("s"):
                pass


async def test_after_a_reconnect_every_open_one_is_claimed_and_ready(
    exchange: FakeExchange,
) -> None:
    async with open_reader(exchange) as (client, wire, reader):
        for name in ("a", "b", "over"):
            await wire.bring(name)
        await wire.write("a", "before")
        await wire.close("over")
        await wire.control.cut()
        newer = MessageExchange(await exchange.control())
        claims = {}
        for _ in range(2):
            claim = await newer.expect("session.open")
            claims[claim["sessionId"]] = claim
        assert claims.keys() == {"a", "b"}
        # No session is ready before it is ours.
        assert await newer.is_quiet()
        await newer.tell(ok(claims["b"]))
        await newer.expect("session.ready", sessionId="b")
        await newer.tell(ok(claims["a"]))
        await newer.expect("session.ready", sessionId="a")
        await newer.write("a", "after")
        await quiet()
        assert reader.read["a"] == ["before", "after"]
        assert len(reader.conversations) == 3
        assert [each.session_id for each in client.conversations] == ["a", "b"]


async def test_ten_cuts_in_a_row(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, first, reader):
        wire = first
        await wire.bring("s")
        for number in range(10):
            await wire.write("s", str(number))
            await wire.control.close()
            wire = MessageExchange(await exchange.control())
            await wire.grant("s")
        await quiet()
        assert reader.read["s"] == [str(number) for number in range(10)]
        assert len(reader.conversations) == 1


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("SESSION_BUSY", ConversationEnd.TAKEN),
        ("SESSION_CLOSED", ConversationEnd.EXCHANGE),
        ("SESSION_NOT_FOUND", ConversationEnd.REFUSED),
        ("SESSION_NOT_OPEN", ConversationEnd.REFUSED),
        ("QUOTA_EXCEEDED", ConversationEnd.REFUSED),
        ("SOMETHING_NEWER", ConversationEnd.REFUSED),
        (None, ConversationEnd.REFUSED),
    ],
)
async def test_a_refusal_after_a_reconnect_ends_the_conversation(
    exchange: FakeExchange, code: str | None, cause: ConversationEnd
) -> None:
    async with open_reader(exchange) as (client, wire, reader):
        await wire.bring("s")
        await wire.control.cut()
        newer = MessageExchange(await exchange.control())
        await newer.refuse("s", code, {"boundSmWsId": "somebody else's"})
        await quiet()
        assert reader.reading == 0
        ending = reader.conversations[0].ending
        assert ending is not None
        assert (ending.cause, ending.detail) == (cause, code or "no reason given")
        assert list(client.conversations) == []
        assert await newer.is_quiet()


async def test_an_exchange_that_has_not_noticed_is_asked_again(
    exchange: FakeExchange,
) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.bring("s")
        await wire.control.cut()
        newer = MessageExchange(await exchange.control())
        for _ in range(3):
            await newer.refuse("s", "SESSION_BUSY", {"boundSmWsId": wire.control.connection_id})
            began = trio.current_time()
            assert await newer.is_quiet()
        await newer.grant("s")
        assert trio.current_time() == began + 5
        assert reader.reading == 1


async def test_a_session_bound_to_the_present_connection_is_ours(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, wire, reader):
        await wire.offer("s")
        await wire.refuse("s", "SESSION_BUSY", {"boundSmWsId": wire.control.connection_id})
        await wire.expect("session.ready", sessionId="s")
        await quiet()
        assert len(reader.conversations) == 1


async def test_an_unanswered_claim_replaces_the_connection(exchange: FakeExchange) -> None:
    async with open_reader(exchange) as (_, wire, _):
        await wire.offer("s")
        await wire.expect("session.open")
        newer = MessageExchange(await exchange.control())
        assert 60 <= trio.current_time() < 62
        assert await newer.is_quiet()


async def test_thousands_are_claimed_some_at_a_time(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_claims, "MAX_CLAIMS_AT_ONCE", 60)
    names = [f"s{number}" for number in range(100)]
    async with open_reader(exchange) as (client, first, reader):
        wire = first
        for is_reconnect in (False, True):
            if is_reconnect:
                await wire.control.cut()
                wire = MessageExchange(await exchange.control())
            else:
                await wire.tell(*map(notify, names))
            claims = [await wire.expect("session.open") for _ in range(60)]
            assert await wire.is_quiet()
            await wire.tell(*map(ok, claims))
            seen = {"session.ready": 0, "session.open": 0}
            while seen != {"session.ready": len(names), "session.open": 40}:
                frame = await wire.any()
                seen[frame["type"]] += 1
                if frame["type"] == "session.open":
                    await wire.tell(ok(frame))
            assert await wire.is_quiet()
        assert [each.session_id for each in client.conversations] == names
        assert len(reader.conversations) == len(names)


async def test_offers_beyond_a_bound_are_left_to_others(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_claims, "MAX_CLAIMS_AT_ONCE", 3)
    monkeypatch.setattr(offer_queue, "MAX_WAITING_OFFERS", 5)
    async with open_reader(exchange) as (_, wire, _):
        await wire.tell(*(notify(str(number)) for number in range(20)))
        claimed = []
        for _ in range(8):
            claim = await wire.expect("session.open")
            claimed.append(int(claim["sessionId"]))
            await wire.tell(no(claim, "SESSION_BUSY"))
        assert await wire.is_quiet()
        # Those that were being claimed, and the newest of the others.
        assert sorted(claimed) == [0, 1, 2, 15, 16, 17, 18, 19]


class TestWhatTheApplicationWants:
    async def test_it_looks_at_each_offer(self, exchange: FakeExchange) -> None:
        seen: list[Any] = []

        def decide(offer: Any) -> OfferDecision:
            seen.append(offer)
            return OfferDecision.LEAVE if offer.session_id == "left" else OfferDecision.CLAIM

        async with open_reader(exchange, claims=decide) as (_, wire, reader):
            await wire.offer("left", "claimed")
            await wire.grant("claimed")
            assert await wire.is_quiet()
            assert [each.session_id for each in seen] == ["left", "claimed"]
            assert (seen[0].channel, seen[0].activity) == ("WA", "NEW_INCOMING_MESSAGE")
            assert [each.session_id for each in reader.conversations] == ["claimed"]

    async def test_what_it_puts_off_is_asked_about_again(self, exchange: FakeExchange) -> None:
        decisions = [OfferDecision.LATER, OfferDecision.LATER, OfferDecision.CLAIM]
        async with open_reader(exchange, claims=lambda _: decisions.pop(0)) as (_, wire, reader):
            await wire.offer("s")
            await wire.grant("s")
            assert trio.current_time() == 2
            await quiet()
            assert len(reader.conversations) == 1

    async def test_an_activity_that_is_newer_is_its_to_judge(self, exchange: FakeExchange) -> None:
        async with open_reader(exchange, claims=lambda _: OfferDecision.CLAIM) as (_, wire, _):
            await wire.offer("s", activity="SOMETHING_NEWER")
            await wire.grant("s")

    async def test_what_it_opens_itself_it_is_not_asked_about(self, exchange: FakeExchange) -> None:
        async with (
            open_reader(exchange, claims=lambda _: OfferDecision.LEAVE) as (client, wire, _),
            trio.open_nursery() as nursery,
        ):
            await wire.offer("s")
            nursery.start_soon(wire.grant, "s")
            async with client.open_conversation("s") as conversation:
                assert conversation.ending is None


async def test_a_client_that_is_being_left_claims_nothing(exchange: FakeExchange) -> None:
    async def handle(conversation: Conversation) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await wire.control.cut()
                newer.append(MessageExchange(await exchange.control()))
                assert await newer[0].is_quiet()

    newer: list[MessageExchange] = []
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_MESSAGE)(handle)
        wire = MessageExchange(await exchange.control())
        await wire.bring("s")
        await quiet()
    assert len(newer) == 1
