"""The application looks at offers before they are claimed, and no call is lost by that."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.control_words import offer, session_name
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import ClientConfig, WSSConfigError, events, open_call_client, serve_calls
from trio_calls.sessions import Offer, OfferDecision
from trio_calls.simulator import Simulator
from trio_calls.wire.first.control import SessionClosed, SessionNotify
from trio_calls.wire.second.control import CallNotify

pytestmark = on_one_transport

CLAIM, LEAVE, LATER = OfferDecision.CLAIM, OfferDecision.LEAVE, OfferDecision.LATER


class Judge:
    """Decides as it is told, and notes what it was asked about, and when.

    Attributes:
      decision: for whatever has none of its own.
      decisions: by session.
    """

    def __init__(self, decision: OfferDecision = CLAIM) -> None:
        self.decision = decision
        self.decisions: dict[str, OfferDecision] = {}
        self.asked: list[Offer] = []
        self.asked_at: list[float] = []

    def __call__(self, offer: Offer) -> OfferDecision:
        self.asked.append(offer)
        self.asked_at.append(trio.current_time())
        return self.decisions.get(session_name(offer.session_id), self.decision)

    @property
    def names(self) -> list[str]:
        return [session_name(offer.session_id) for offer in self.asked]


@on_the_first_wire
async def test_it_sees_what_the_exchange_says(exchange: FakeExchange) -> None:
    judge = Judge()
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.send(
            SessionNotify(
                "s",
                channel="TELCO",
                remote_address="+1",
                local_address="+2",
                activity="NEW_INCOMING_CALL",
                created_at=1.5,
            )
        )
        await control.expect_claim("s")
        assert judge.asked == [Offer("s", "TELCO", "+1", "+2", "NEW_INCOMING_CALL", 1.5)]
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            judge.asked[0].session_id = "other"  # type: ignore[misc]


@on_the_second_wire
async def test_it_sees_what_the_second_wire_says(exchange: FakeExchange) -> None:
    judge = Judge()
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.send(CallNotify("c", "+2", "+1", created_at=1.5), CallNotify("d", "+2"))
        await trio.testing.wait_all_tasks_blocked()
        assert judge.asked == [
            Offer("c", "TELCO", "+1", "+2", "NEW_INCOMING_CALL", 1.5),
            Offer("d", "TELCO", "", "+2", "NEW_INCOMING_CALL", 0),
        ]


@on_the_first_wire
@pytest.mark.parametrize("activity", ["RESUME", "NEWER_THAN_THIS", ""])
async def test_activities_pass_through_as_they_are(exchange: FakeExchange, activity: str) -> None:
    judge = Judge()
    async with exchange.open_client(claims=judge) as (_, control, switchboard):
        await control.send(offer("s", activity=activity))
        await control.grant("s")
        await switchboard.next_call()
        assert [asked.activity for asked in judge.asked] == [activity]


@on_the_first_wire
@pytest.mark.parametrize("channel", ["FAX", ""])
async def test_channels_that_nobody_serves_are_left(exchange: FakeExchange, channel: str) -> None:
    judge = Judge()
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.send(offer("s", channel=channel))
        assert await control.rest() == []
        assert judge.asked == []


@on_the_first_wire
async def test_without_it_an_unknown_activity_is_ignored(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, _):
        await control.send(offer("s", activity="NEWER_THAN_THIS"))
        assert await control.rest() == []


async def test_what_is_left_is_asked_about_when_offered_anew(exchange: FakeExchange) -> None:
    judge = Judge(LEAVE)
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.offer("s")
        await trio.sleep(300)
        assert await control.rest() == []
        assert judge.names == ["s"]
        judge.decision = CLAIM
        await control.offer("s")
        await control.expect_claim("s")
        assert judge.names == ["s", "s"]


async def test_what_is_put_off_is_asked_about_every_second(exchange: FakeExchange) -> None:
    judge = Judge(LATER)
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.offer("s")
        await trio.sleep(3.5)
        assert judge.asked_at == [0, 1, 2, 3]
        judge.decision = CLAIM
        await control.expect_claim("s")
        assert trio.current_time() == 4
        await trio.sleep(10)
        assert len(judge.asked) == 5


@on_the_first_wire
async def test_nothing_is_put_off_for_longer_than_it_rings(exchange: FakeExchange) -> None:
    judge = Judge(LATER)
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.offer("s")
        await trio.sleep(1000)
        assert 119 <= judge.asked_at[-1] <= 120
        await control.offer("s")
        await trio.testing.wait_all_tasks_blocked()
        assert judge.asked_at[-1] == 1000


@pytest.mark.parametrize("change", ["answered", "ended"])
async def test_it_is_asked_again_when_a_call_has_changed(
    exchange: FakeExchange, change: str
) -> None:
    judge = Judge(LATER)
    judge.decisions["first"] = CLAIM
    async with exchange.open_client(claims=judge) as (_, control, switchboard):
        await control.ring("first")
        call = await switchboard.next_call()
        await control.offer("second")
        await trio.testing.wait_all_tasks_blocked()
        judge.decision = CLAIM
        if change == "answered":
            await exchange.answer(call)
        else:
            await call.close()
        await control.expect_claim("second")
        assert trio.current_time() == 0


async def test_the_oldest_are_asked_about_first(exchange: FakeExchange) -> None:
    judge = Judge(LATER)
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.offer("a", "b")
        await trio.sleep(0.5)
        await control.offer("c")
        await trio.sleep(0.6)
        assert judge.names == ["a", "b", "c", "a", "b", "c"]


@on_the_first_wire
@pytest.mark.parametrize("news", ["closed", "lost", "anew"])
async def test_what_is_put_off_heeds_the_exchange(exchange: FakeExchange, news: str) -> None:
    judge = Judge(LATER)
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.offer("s")
        await trio.testing.wait_all_tasks_blocked()
        match news:
            case "closed":
                await control.send(SessionClosed("s"))
            case "lost":
                await control.cut()
            case "anew":
                await control.offer("s")
        await trio.sleep(0.9)
        assert judge.asked_at == ([0, 0] if news == "anew" else [0])
        await trio.sleep(1)
        assert len(judge.asked) == (3 if news == "anew" else 1)


async def test_it_is_asked_when_there_is_room_and_a_handler(exchange: FakeExchange) -> None:
    judge = Judge()
    config = exchange.config(claims=judge, max_concurrent_calls=1)
    async with open_call_client(config) as client:
        control = await exchange.control()
        await control.offer("first", "second")
        await trio.sleep(1)
        assert judge.names == []
        client.on(events.INCOMING_CALL)(Switchboard())
        await control.grant("first")
        await trio.sleep(1)
        assert judge.names == ["first"]
        await client.calls[0].close()
        await control.grant("second")
        assert judge.names == ["first", "second"]


async def test_a_client_that_drains_asks_no_more(exchange: FakeExchange) -> None:
    judge = Judge(LATER)
    async with exchange.open_client(claims=judge) as (client, control, _):
        await control.offer("s")
        await trio.testing.wait_all_tasks_blocked()
        await client.drain()
        judge.decision = CLAIM
        await trio.sleep(5)
        assert judge.names == ["s"]
        assert await control.rest() == []


@on_the_first_wire
async def test_a_call_that_rings_here_is_not_asked_about(exchange: FakeExchange) -> None:
    judge = Judge()
    async with exchange.open_client(claims=judge) as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        judge.decision = LEAVE
        await control.cut()
        again = await exchange.control()
        await again.offer("s")
        await again.grant("s")
        await exchange.answer(call)
        assert judge.names == ["s"]
        assert switchboard.calls == [call]


async def never_waits(offer: Offer) -> OfferDecision:
    raise AssertionError("nobody awaits this")


def makes_a_coroutine(offer: Offer) -> Any:
    return never_waits(offer)


def fails(offer: Offer) -> OfferDecision:
    raise ValueError("no such number")


def fails_oddly(offer: Offer) -> OfferDecision:
    raise asyncio.CancelledError


def says_yes(offer: Offer) -> Any:
    return True


@pytest.mark.parametrize("judge", [fails, fails_oddly, says_yes, makes_a_coroutine])
async def test_one_that_fails_loses_no_call(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture, judge: Callable[[Offer], Any]
) -> None:
    async with exchange.open_client(claims=judge) as (_, control, switchboard):
        await control.ring("first", "second")
        assert {(await switchboard.next_call()).call_id for _ in range(2)} == {
            "call of first",
            "call of second",
        }
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    for record in errors:
        assert record.exc_info is not None
        assert "claimed, as it is without one" in record.message


async def test_one_that_ends_the_program_ends_it(exchange: FakeExchange) -> None:
    def stop(offer: Offer) -> OfferDecision:
        raise KeyboardInterrupt

    async def serve() -> None:
        async with exchange.open_client(claims=stop) as (_, control, _):
            await control.offer("s")
            await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        await serve()


def generator(offer: Offer) -> Any:
    yield CLAIM


class Asynchronous:
    async def __call__(self, offer: Offer) -> OfferDecision:
        return CLAIM


@pytest.mark.parametrize("wrong", [never_waits, generator, Asynchronous(), "api-key-in-here"])
async def test_what_cannot_decide_is_refused_at_once(exchange: FakeExchange, wrong: Any) -> None:
    with pytest.raises(WSSConfigError, match="claims must be a plain function") as refused:
        exchange.config(claims=wrong)
    assert "api-key-in-here" not in str(refused.value)
    async with open_call_client(exchange.config()) as client:
        with pytest.raises(TypeError, match="a handler of offers must be a plain function"):
            client.on(events.OFFER)(wrong)
        await exchange.control()


async def test_there_is_one_only(exchange: FakeExchange) -> None:
    judge = Judge()
    async with open_call_client(exchange.config()) as client:
        assert client.on(events.OFFER)(judge) is judge
        with pytest.raises(ValueError, match="handler already"):
            client.on(events.OFFER)(Judge())
        client.on(events.INCOMING_CALL)(Switchboard())
        await (await exchange.control()).ring("s")
        assert judge.names == ["s"]
    async with open_call_client(exchange.config(claims=judge)) as client:
        with pytest.raises(ValueError, match=r"or ClientConfig\.claims"):
            client.on(events.OFFER)(Judge())
        await exchange.control()


def test_settings_do_not_show_it() -> None:
    config = ClientConfig.sandbox(api_key="key", connector_uuid="uuid", claims=Judge())
    assert "Judge" not in repr(config)


TENANT: contextvars.ContextVar[str] = contextvars.ContextVar("TENANT")


async def test_it_sees_the_variables_of_the_block(exchange: FakeExchange) -> None:
    seen: list[str] = []

    def judge(offer: Offer) -> OfferDecision:
        seen.append(TENANT.get())
        TENANT.set("changed")
        return CLAIM

    TENANT.set("ours")
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.ring("first", "second")
    assert seen == ["ours", "ours"]
    assert TENANT.get() == "ours"


@pytest.mark.parametrize("decision", OfferDecision)
async def test_a_burst_asks_once_for_each(exchange: FakeExchange, decision: OfferDecision) -> None:
    judge = Judge(decision)
    names = [str(number) for number in range(100)]
    async with exchange.open_client(claims=judge) as (_, control, _):
        await control.offer(*names)
        if decision is CLAIM:
            await control.grant(*names)
        await trio.sleep(0.5)
        assert judge.names == names
        assert await control.rest() == []


async def test_workers_share_the_calls_by_what_they_say(simulator: Simulator) -> None:
    heard: dict[str, list[str]] = {"sales": [], "rest": []}

    async def work(name: str, decide: Callable[[Offer], OfferDecision]) -> None:
        async def handler(call: Any) -> None:
            heard[name].append(call.callee_number)
            await call.answer()
            await call.wait_disconnected()

        await serve_calls(handler, attrs.evolve(simulator.config, claims=decide))

    def is_sales(offer: Offer) -> bool:
        return offer.local_address == "+2"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, "sales", lambda offer: CLAIM if is_sales(offer) else LEAVE)
        nursery.start_soon(work, "rest", lambda offer: LEAVE if is_sales(offer) else CLAIM)
        calls = [simulator.place_call(callee=callee) for callee in ("+1", "+2", "+3", "+2")]
        with trio.fail_after(30):
            # Where each call is told to one worker, another one hears of it 10 s later.
            for call in calls:
                await call.caller.wait_talking()
        assert sorted(heard["sales"]) == ["+2", "+2"]
        assert sorted(heard["rest"]) == ["+1", "+3"]
        nursery.cancel_scope.cancel()


async def test_too_many_put_off_push_the_oldest_out(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.client.offer_queue.MAX_WAITING_OFFERS", 2)
    judge = Judge(LATER)
    async with exchange.open_client(claims=judge) as (_, control, _):
        for name in ("a", "b", "c"):
            await control.offer(name)
            await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1.5)
        assert judge.names == ["a", "b", "c", "b", "c"]
