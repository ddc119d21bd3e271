"""A worker whose handlers fail at once leaves the calls to those whose handlers do not."""

import logging
from contextlib import AsyncExitStack
from itertools import pairwise

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import ControlEnd
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, events, open_call_client
from trio_calls.config import OnHandlerFailure
from trio_calls.simulator import PhoneState, Simulator, answers
from trio_calls.wire.first.control import SessionClosed


class Agent:
    """A handler that fails before it answers, until it is mended.

    Attributes:
      is_broken: whether it fails.
      called_at: when it was called.
      calls: that it was called with.
    """

    def __init__(self, *, is_broken: bool = True) -> None:
        self.is_broken = is_broken
        self.called_at: list[float] = []
        self.calls: list[ActiveCall] = []

    async def __call__(self, call: ActiveCall) -> None:
        self.called_at.append(trio.current_time())
        self.calls.append(call)
        if self.is_broken:
            raise RuntimeError("out of order")
        await call.answer()
        await call.wait_disconnected()


@on_the_first_wire
@pytest.mark.slow
@pytest.mark.parametrize("how", ["decline", "connect"])
async def test_a_broken_worker_beside_a_sound_one(
    simulator: Simulator, how: OnHandlerFailure
) -> None:
    broken, sound = Agent(), Agent(is_broken=False)
    async with AsyncExitStack() as stack:
        for agent in (broken, sound):
            config = attrs.evolve(simulator.config, on_handler_failure=how)
            client = await stack.enter_async_context(open_call_client(config))
            client.on(events.INCOMING_CALL)(agent)
        talking = 0
        for _ in range(60):
            caller = simulator.place_call(pickup=answers(after_seconds=0.1))
            await trio.sleep(0.5)
            talking += caller.caller.state is PhoneState.TALKING
            caller.caller.hang_up()
        assert len(broken.calls) <= 3 + 5  # three, and one after each of 1, 2, 4, 8 and 16 s
        assert len(sound.calls) == 60 - len(broken.calls)
        assert talking == (60 if how == "connect" else len(sound.calls))


async def test_alone_it_tries_one_call_after_each_pause(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    agent = Agent()
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(agent)
        for _ in range(10):
            simulator.place_call()
        await trio.sleep(200)
        # Ten were claimed before the first had failed.
        assert len(agent.calls) == 10
        for _ in range(6):
            simulator.place_call()
        await trio.sleep(200)
        assert len(agent.calls) == 16
        tries = agent.called_at[10:]
        assert [round(after - before) for before, after in pairwise(tries)] == [2, 4, 8, 16, 32]
        agent.is_broken = False
        last = [simulator.place_call() for _ in range(5)]
        for caller in last:
            with trio.fail_after(60):
                await caller.caller.wait_talking()
        simulator.end_all_calls()
    warnings = [record.message for record in caplog.records if "in a row" in record.message]
    assert warnings[0].startswith("3 calls in a row have failed before they were answered: this")
    assert "claims no call for 1 s" in warnings[0]
    assert len(warnings) == 7


async def break_down(exchange: FakeExchange, control: ControlEnd) -> None:
    """Let three calls of a broken handler ring, each after the other."""
    for name in ("first", "second", "third"):
        await control.ring(name)
        await (await exchange.media()).accept("call.disconnect")
        await trio.testing.wait_all_tasks_blocked()


@on_the_first_wire
async def test_offers_wait_for_the_end_of_the_pause(exchange: FakeExchange) -> None:
    agent = Agent()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(agent)
        control = await exchange.control()
        await break_down(exchange, control)
        agent.is_broken = False
        began = trio.current_time()
        await control.offer("withdrawn", "fourth", "fifth", "sixth")
        await control.send(SessionClosed("withdrawn"))
        assert await control.rest() == []
        await control.expect_claim("fourth")
        assert trio.current_time() == pytest.approx(began + 1)


@pytest.mark.parametrize("outcome", ["answered", "hung up", "taken", "lost"])
async def test_after_a_pause_one_call_rings_at_a_time(exchange: FakeExchange, outcome: str) -> None:
    agent = Agent()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(agent)
        control = await exchange.control()
        await break_down(exchange, control)
        agent.is_broken = False
        await control.offer("fourth", "fifth", "sixth")
        if outcome == "taken":
            await control.refuse("fourth")
        else:
            await control.grant("fourth")
            assert await control.rest() == []
            media = await exchange.media()
            if outcome == "answered":
                await media.accept("call.answer")
            elif outcome == "lost":
                await media.cut()
            else:
                await media.close()
        await control.next_claim()
        assert len(await control.rest()) == (1 if outcome == "answered" else 0)


async def test_who_lets_calls_go_or_declines_is_not_broken(simulator: Simulator) -> None:
    calls = 0

    async def handle(call: ActiveCall) -> None:
        nonlocal calls
        calls += 1
        if calls % 3:
            raise RuntimeError("out of order")
        await (call.disconnect() if calls % 2 else call.close())

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        for _ in range(30):
            simulator.place_call()
            await trio.sleep(0.1)
        assert calls == 30
        simulator.end_all_calls()


async def test_a_failing_worker_goes_on_with_what_rings(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls that are claimed already are not held up by the pause."""
    caplog.set_level(logging.CRITICAL, "trio_calls")

    async def handle(call: ActiveCall) -> None:
        if call.callee_number == "bad":
            raise RuntimeError("out of order")
        await trio.sleep(1)
        await call.answer()
        await call.wait_disconnected()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        good = simulator.place_call(callee="good")
        for _ in range(3):
            simulator.place_call(callee="bad")
        await good.caller.wait_talking()
        assert trio.current_time() == pytest.approx(1, abs=0.1)
        # It was answered, and so the others need not wait.
        next_one = simulator.place_call(callee="good")
        await next_one.caller.wait_talking()
        assert trio.current_time() == pytest.approx(2, abs=0.2)
        simulator.end_all_calls()
