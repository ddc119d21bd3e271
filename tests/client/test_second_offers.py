"""Calls that nobody claims on the second wire: each is told to one client, which has 10 s."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.in_memory import tasks_of_ours
from tests.support.observing import SEEN, observing
from tests.support.peers.control_words import TOKEN
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, CallClient, CallState, events, open_call_client
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.observers import Loss
from trio_calls.sessions import Offer, OfferDecision
from trio_calls.simulator import Simulator, answer_late, cut_control, duplicate_offer, restart
from trio_calls.simulator.exchange.rotation import CLAIM_SECONDS
from trio_calls.wire.commands import CallEvent
from trio_calls.wire.control_wire import News
from trio_calls.wire.responses import Response
from trio_calls.wire.second.codec import decode_control
from trio_calls.wire.second.control import CallNotify, SessionClaim, SessionOpen

pytestmark = [on_one_transport, pytest.mark.parametrize("wire", ["second"])]

NOTIFY = CallNotify("call", "+65 6222 0000", "+65 9111 0000")
OTHER = CallNotify("other call", "+65 6222 0000", "+65 9111 0001")
THIRD = CallNotify("third call", "+65 6222 0000", "+65 9111 0002")

DOWN = OSError("down")


async def answer(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def receive(control: ControlEnd) -> object:
    frame = await control.receive()
    assert isinstance(frame, str)
    return decode_control(frame)


async def open_session(control: ControlEnd) -> str:
    """Let the client have the session that it wants, and return its name."""
    opened = await receive(control)
    assert isinstance(opened, SessionOpen)
    await control.send(Response(opened.request_id, is_ok=True, content={"created": True}))
    return opened.session_id


async def claimed(control: ControlEnd, notify: CallNotify = NOTIFY) -> SessionClaim:
    """Wait until the client claims a call."""
    await open_session(control)
    claim = await receive(control)
    assert isinstance(claim, SessionClaim)
    assert claim.call_id == notify.call_id
    return claim


async def give(control: ControlEnd, notify: CallNotify = NOTIFY) -> str:
    """Let the client have a call, and return the name of the session in which it claims it."""
    claim = await claimed(control, notify)
    content = {"url": "ws://exchange/media", "token": TOKEN}
    await control.send(Response(claim.request_id, is_ok=True, content=content))
    return claim.session_id


async def refuse(control: ControlEnd, notify: CallNotify = NOTIFY) -> None:
    claim = await claimed(control, notify)
    await control.send(Response(claim.request_id, is_ok=False, error_code="CALL_NOT_FOUND"))


async def lose(exchange: FakeExchange, control: ControlEnd, seconds: float) -> ControlEnd:
    """Let the exchange be away for so long, at the least. Returns the next connection."""
    exchange.delay = math.inf
    await control.cut()
    await trio.sleep(seconds)
    exchange.delay = 0
    return await exchange.control()


@asynccontextmanager
async def watched_client(
    exchange: FakeExchange,
) -> AsyncIterator[tuple[CallClient, ControlEnd, list[object]]]:
    """Open a client without a handler; also yields its connection, and what is told of it."""
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        with observing(client) as told:
            yield client, control, told


class TestTheConnectionIsLost:
    async def test_while_there_is_no_handler(self, exchange: FakeExchange) -> None:
        """Nobody says that the exchange tells of it again."""
        async with watched_client(exchange) as (client, control, told):
            await control.send(NOTIFY)
            await trio.sleep(1)
            await control.cut()
            renewed = await exchange.control()
            switchboard = Switchboard()
            client.on(events.INCOMING_CALL)(switchboard)
            await give(renewed)
            assert (await switchboard.next_call()).call_id == NOTIFY.call_id
            assert told[:3] == [SEEN, "disconnected", "connected"]
            assert Loss.DISCONNECTED not in told

    async def test_while_there_is_no_room(self, exchange: FakeExchange) -> None:
        async with exchange.open_client(max_concurrent_calls=1) as (_, control, switchboard):
            await control.send(OTHER)
            await give(control, OTHER)
            first = await switchboard.next_call()
            await control.send(NOTIFY)
            await trio.testing.wait_all_tasks_blocked()
            await control.cut()
            await first.close()
            await give(await exchange.control())
            assert (await switchboard.next_call()).call_id == NOTIFY.call_id

    async def test_while_it_is_put_off(self, exchange: FakeExchange) -> None:
        decisions = [OfferDecision.LATER, OfferDecision.CLAIM]

        def judge(offer: Offer) -> OfferDecision:
            return decisions.pop(0)

        async with exchange.open_client(claims=judge) as (_, control, switchboard):
            await control.send(NOTIFY)
            await trio.testing.wait_all_tasks_blocked()
            await control.cut()
            await give(await exchange.control())
            assert (await switchboard.next_call()).call_id == NOTIFY.call_id

    async def test_for_so_long_that_it_is_too_late(self, exchange: FakeExchange) -> None:
        async with watched_client(exchange) as (client, control, told):
            await control.send(NOTIFY)
            await trio.testing.wait_all_tasks_blocked()
            renewed = await lose(exchange, control, 11)
            assert await renewed.rest() == []
            assert told == [SEEN, "disconnected", Loss.LAPSED, "connected"]
            client.on(events.INCOMING_CALL)(answer)
            assert await renewed.rest() == []

    async def test_before_the_claim_is_answered(self, exchange: FakeExchange) -> None:
        """It may be this client's, and would be told to nobody else."""
        async with exchange.open_client() as (client, control, switchboard):
            with observing(client) as told:
                await control.send(NOTIFY)
                claim = await claimed(control)
                # However long it takes.
                renewed = await lose(exchange, control, 20)
                assert await give(renewed) == claim.session_id
                call = await switchboard.next_call()
                assert call.call_id == NOTIFY.call_id
                assert told[:5] == [SEEN, "disconnected", Loss.DISCONNECTED, SEEN, "connected"]

    async def test_while_too_many_wait(
        self, exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The oldest are left to other workers, but for what no other worker is told of."""
        monkeypatch.setattr("trio_calls.client.offer_queue.MAX_WAITING_OFFERS", 2)
        async with exchange.open_client(max_concurrent_calls=1) as (client, control, _):
            with observing(client) as told:
                await control.send(NOTIFY)
                await claimed(control)
                await control.send(OTHER, THIRD)
                await trio.testing.wait_all_tasks_blocked()
                renewed = await lose(exchange, control, 0)
                assert told.count(Loss.CROWDED_OUT) == 1
                await renewed.send(OTHER, CallNotify("fourth call", "+65 6222 0000"))
                await refuse(renewed, THIRD)
                await give(renewed)
                assert told.count(Loss.CROWDED_OUT) == 2

    async def test_in_the_step_in_which_the_claim_is_answered(
        self, exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when another request has had no answer for too long. The call is this client's."""
        dispatch = ControlConnection._dispatch

        def dispatch_and_give_up(control: ControlConnection, message: News | Response) -> None:
            dispatch(control, message)
            control.replace("the exchange was silent")

        async with exchange.open_client() as (client, control, switchboard):
            with observing(client) as told:
                await control.send(NOTIFY)
                claim = await claimed(control)
                monkeypatch.setattr(ControlConnection, "_dispatch", dispatch_and_give_up)
                content = {"url": "ws://exchange/media", "token": TOKEN}
                await control.send(Response(claim.request_id, is_ok=True, content=content))
                renewed = await exchange.control()
                monkeypatch.undo()
                assert await give(renewed) == claim.session_id
                assert (await switchboard.next_call()).call_id == NOTIFY.call_id
                assert told[:5] == [SEEN, "disconnected", Loss.DISCONNECTED, SEEN, "connected"]

    async def test_before_it_is_answered_again_and_again(self, exchange: FakeExchange) -> None:
        """An exchange that never says so is not asked for ever."""
        async with exchange.open_client() as (client, control, _):
            await control.send(NOTIFY)
            await claimed(control)
            await claimed(await exchange.control())
            third = await exchange.control()
            await trio.sleep(60)
            assert await third.rest() == []
            assert client.calls == ()

    async def test_after_a_handler_has_it(self, exchange: FakeExchange) -> None:
        """Where it is told of again all the same, that is a repetition."""
        async with exchange.open_client() as (_, control, switchboard):
            await control.send(NOTIFY)
            await give(control)
            call = await switchboard.next_call()
            await control.cut()
            renewed = await exchange.control()
            await renewed.send(NOTIFY)
            await trio.sleep(20)
            assert await renewed.rest() == []
            await exchange.answer(call)
            assert call.state is CallState.ANSWERED

    async def test_while_a_handler_thinks_as_the_exchange_restarts(
        self, simulator: Simulator
    ) -> None:
        """The call is still there afterwards, at the same place."""

        async def think_and_answer(call: ActiveCall) -> None:
            await trio.sleep(1)
            await answer(call)

        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(think_and_answer)
            call = simulator.place_call()
            await trio.sleep(0.5)
            simulator.inject(restart(seconds=3))
            with trio.fail_after(10):
                await call.caller.wait_talking()
        assert simulator.violations == []

    async def test_on_the_simulator(self, simulator: Simulator) -> None:
        async with open_call_client(simulator.config) as client:
            waiting = simulator.place_call()
            await trio.sleep(1)
            simulator.inject(cut_control())
            await trio.sleep(5)
            client.on(events.INCOMING_CALL)(answer)
            await waiting.caller.wait_talking()
        assert simulator.violations == []

    async def test_on_the_simulator_before_the_claim_is_answered(
        self, simulator: Simulator
    ) -> None:
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(answer)
            simulator.inject(answer_late("session.claim", seconds=5))
            call = simulator.place_call()
            await trio.sleep(1)
            simulator.inject(cut_control())
            with trio.fail_after(20):
                await call.caller.wait_talking()
        assert simulator.violations == []


class TestTheTimeIsOver:
    async def test_while_there_is_no_room(
        self, exchange: FakeExchange, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "trio_calls.offers")
        async with exchange.open_client(max_concurrent_calls=1) as (client, control, switchboard):
            await control.send(OTHER)
            await give(control, OTHER)
            first = await switchboard.next_call()
            with observing(client) as told:
                await control.send(NOTIFY)
                await trio.sleep(9.9)
                assert told == [SEEN]
                await trio.sleep(0.2)
                assert told == [SEEN, Loss.LAPSED]
                await first.close()
                assert await control.rest() == []
        assert "1 call was not claimed within 10 s" in caplog.text

    async def test_each_has_its_own(self, exchange: FakeExchange) -> None:
        async with watched_client(exchange) as (client, control, told):
            for notify in (NOTIFY, OTHER, CallNotify("third", "+65 6222 0000")):
                await control.send(notify)
                await trio.sleep(4)
            client.on(events.INCOMING_CALL)(answer)
            assert told == [SEEN, SEEN, SEEN, Loss.LAPSED]
            assert len(await control.rest()) == 2

    async def test_while_it_is_put_off(self, exchange: FakeExchange) -> None:
        asked = []

        def judge(offer: Offer) -> OfferDecision:
            asked.append(trio.current_time())
            return OfferDecision.LATER

        async with exchange.open_client(claims=judge) as (client, control, _):
            with observing(client) as told:
                await control.send(NOTIFY)
                await trio.sleep(60)
                assert told == [SEEN, Loss.LAPSED]
                assert 9 <= asked[-1] - asked[0] <= 10

    async def test_while_this_process_does_nothing_else(
        self, exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What runs first afterwards may be what makes room, and not what looks at the time."""
        async with watched_client(exchange) as (client, control, told):
            await control.send(NOTIFY)
            await trio.testing.wait_all_tasks_blocked()
            now = trio.current_time()
            monkeypatch.setattr(trio, "current_time", lambda: now + 11)
            client.on(events.INCOMING_CALL)(answer)
            monkeypatch.undo()
            assert told == [SEEN, Loss.LAPSED]
            assert await control.rest() == []

    async def test_another_process_has_it_then(self, simulator: Simulator) -> None:
        """It may have had no room. The one that was told first comes too late, and knows it."""
        async with (
            open_call_client(simulator.config) as one,
            open_call_client(simulator.config) as other,
        ):
            with observing(one) as told, observing(other) as told_other:
                call = simulator.place_call()
                began = trio.current_time()
                await trio.sleep(1)
                other.on(events.INCOMING_CALL)(answer)
                await call.caller.wait_talking()
                assert trio.current_time() - began == pytest.approx(CLAIM_SECONDS, abs=0.1)
                one.on(events.INCOMING_CALL)(answer)
                await trio.sleep(1)
                assert told == [SEEN, Loss.LAPSED]
                assert told_other[0] == SEEN
                assert one.calls == ()
        assert simulator.violations == []


class TestTheCallerHangsUp:
    async def test_while_it_waits(self, simulator: Simulator) -> None:
        async with open_call_client(simulator.config) as client:
            with observing(client) as told:
                call = simulator.place_call()
                await trio.sleep(1)
                call.caller.hang_up()
                await trio.sleep(1)
                client.on(events.INCOMING_CALL)(answer)
                await trio.sleep(1)
                assert told == [SEEN, Loss.HUNG_UP]
        assert simulator.violations == []

    async def test_while_it_is_claimed(self, simulator: Simulator) -> None:
        """It was given to this client, whose handler hears of the end with its first command."""
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(answer)
            with observing(client) as told:
                simulator.inject(answer_late("session.claim", seconds=3))
                call = simulator.place_call()
                await trio.sleep(1)
                call.caller.hang_up()
                await trio.sleep(5)
                assert Loss.HUNG_UP not in told
                assert len(told) == 3
                assert client.calls == ()
        assert simulator.violations == []


async def test_what_is_claimed_leaves_no_task_that_waits(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        tasks = tasks_of_ours()
        await control.send(NOTIFY)
        await trio.testing.wait_all_tasks_blocked()
        client.on(events.INCOMING_CALL)(Switchboard())
        await refuse(control)
        await trio.testing.wait_all_tasks_blocked()
        assert tasks_of_ours() == tasks


class TestItIsToldTwice:
    async def test_while_it_waits(self, exchange: FakeExchange) -> None:
        """Its time begins anew."""
        async with watched_client(exchange) as (client, control, told):
            await control.send(NOTIFY)
            await trio.sleep(8)
            await control.send(NOTIFY)
            await trio.sleep(8)
            client.on(events.INCOMING_CALL)(answer)
            await give(control)
            await trio.testing.wait_all_tasks_blocked()
            assert told.count(SEEN) == 1
            assert await control.rest() == []

    async def test_and_never_claimed(self, exchange: FakeExchange) -> None:
        """It is lost when its new time is over, though nothing else happens."""
        async with watched_client(exchange) as (_, control, told):
            await control.send(NOTIFY)
            await trio.sleep(8)
            await control.send(NOTIFY)
            await trio.sleep(9.9)
            assert told == [SEEN]
            await trio.sleep(0.2)
            assert told == [SEEN, Loss.LAPSED]

    async def test_after_its_time(self, exchange: FakeExchange) -> None:
        async with watched_client(exchange) as (client, control, told):
            await control.send(NOTIFY)
            await trio.sleep(11)
            await control.send(NOTIFY)
            await trio.testing.wait_all_tasks_blocked()
            assert told == [SEEN, Loss.LAPSED, SEEN]
            client.on(events.INCOMING_CALL)(answer)
            await give(control)

    async def test_while_it_is_claimed(self, exchange: FakeExchange) -> None:
        async with exchange.open_client() as (_, control, switchboard):
            await control.send(NOTIFY)
            await open_session(control)
            await control.send(NOTIFY)
            claim = await receive(control)
            assert isinstance(claim, SessionClaim)
            content = {"url": "ws://exchange/media", "token": TOKEN}
            await control.send(
                NOTIFY, Response(claim.request_id, is_ok=True, content=content), NOTIFY
            )
            await switchboard.next_call()
            await trio.sleep(1)
            assert await control.rest() == []
            assert len(switchboard.calls) == 1

    async def test_right_behind_its_refusal(self, exchange: FakeExchange) -> None:
        """Whoever had it is gone."""
        async with exchange.open_client() as (_, control, switchboard):
            await control.send(NOTIFY)
            claim = await claimed(control)
            refusal = Response(claim.request_id, is_ok=False, error_code="CALL_NOT_FOUND")
            await control.send(refusal, NOTIFY)
            await give(control)
            await switchboard.next_call()

    async def test_after_its_end(self, exchange: FakeExchange) -> None:
        """It costs a claim, and nobody's handler is called."""
        async with exchange.open_client() as (client, control, switchboard):
            await control.send(NOTIFY)
            await give(control)
            media = await exchange.answer(await switchboard.next_call())
            await media.send(CallEvent("call.terminated"))
            await trio.testing.wait_all_tasks_blocked()
            await control.send(NOTIFY)
            await refuse(control)
            await trio.testing.wait_all_tasks_blocked()
            assert len(switchboard.calls) == 1
            assert client.calls == ()

    async def test_to_two_processes(self, simulator: Simulator) -> None:
        """Only one of them has it."""
        switchboards = [Switchboard(), Switchboard()]
        async with (
            open_call_client(simulator.config) as one,
            open_call_client(simulator.config) as other,
        ):
            for client, switchboard in zip((one, other), switchboards, strict=True):
                client.on(events.INCOMING_CALL)(switchboard)
            with observing(other) as told:
                call = simulator.place_call()
                await trio.sleep(1)
                simulator.inject(duplicate_offer())
                await trio.sleep(20)
                assert [len(switchboard.calls) for switchboard in switchboards] == [1, 0]
                assert told == [SEEN, Loss.HUNG_UP]
                call.caller.hang_up()
        assert simulator.violations == []
