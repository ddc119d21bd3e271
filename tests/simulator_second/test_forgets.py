"""What a simulator keeps of calls that came over the second wire, and are over."""

from __future__ import annotations

import gc

import trio
from trio.testing import MockClock

from trio_calls import ActiveCall, serve_calls
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.exchange.rotation import CLAIM_SECONDS
from trio_calls.simulator.exchange.sessions import Session
from trio_calls.simulator.phones.second_agent_wire import SecondAgentWire

KEPT = 3


async def answer_and_listen(call: ActiveCall) -> None:
    await call.answer()
    async for _ in call.audio_stream():
        pass


async def talk(simulator: Simulator) -> None:
    call = simulator.place_call()
    await call.caller.wait_talking()
    await trio.sleep(0.1)
    call.caller.hang_up()
    await call.wait_ended()


def alive() -> list[int]:
    gc.collect()
    objects = [type(thing) for thing in gc.get_objects()]
    return [objects.count(counted) for counted in (ExchangeCall, Session, SecondAgentWire)]


async def test_only_the_latest_finished_calls_are_kept(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(keep_finished_calls=KEPT, wire="second") as simulator,
        trio.open_nursery() as agents,
    ):
        await agents.start(serve_calls, answer_and_listen, simulator.config)
        for _ in range(KEPT):
            await talk(simulator)
        await trio.sleep(2 * CLAIM_SECONDS)
        before = alive()
        for _ in range(20):
            await talk(simulator)
        await trio.sleep(2 * CLAIM_SECONDS)
        assert alive() == before
        assert simulator._exchange.second._rotation._notices == {}
        assert len(simulator._exchange.log._sessions_by_call) == KEPT
        assert simulator.violations == []
        agents.cancel_scope.cancel()
