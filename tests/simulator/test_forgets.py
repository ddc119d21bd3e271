"""A simulator that serves for months: what it keeps, what it forgets, and what it says of it."""

from __future__ import annotations

import gc

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import FRAME, open_pair, open_raw_sdk
from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import tone
from trio_calls.simulator import SimulatedCall, Simulator, after, cut_media, open_simulator
from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.exchange.sessions import Session
from trio_calls.simulator.phones.agent_leg import AgentLeg
from trio_calls.simulator.phones.leg import Leg
from trio_calls.wire.first.control import SessionReady

pytestmark = pytest.mark.slow

KEPT = 3


async def answer_and_listen(call: ActiveCall) -> None:
    await call.answer()
    async for _ in call.audio_stream():
        pass


async def talk(simulator: Simulator) -> None:
    """Place a call that an agent answers, and that the caller ends."""
    call = simulator.place_call()
    await call.caller.wait_talking()
    await trio.sleep(0.1)
    call.caller.hang_up()
    await call.wait_ended()


def alive() -> dict[str, int]:
    """Count the objects that a call is made of."""
    gc.collect()
    classes = (SimulatedCall, ExchangeCall, Session, Leg, AgentLeg)
    objects = [type(thing) for thing in gc.get_objects()]
    return {counted.__name__: objects.count(counted) for counted in classes}


def tables(simulator: Simulator) -> dict[str, int]:
    """Measure everything in which calls are kept, and not only the latest entries."""
    exchange = simulator._exchange
    owners = (simulator._calls, exchange, exchange.log, exchange.taps)
    return {
        f"{type(owner).__name__}.{name}": len(value)
        for owner in owners
        for name, value in vars(owner).items()
        if hasattr(value, "__len__") and name != "_records"
    }


async def test_only_the_latest_finished_calls_are_kept(autojump_clock: MockClock) -> None:
    others = alive()["SimulatedCall"]  # what pytest has kept of tests before
    async with open_simulator(keep_finished_calls=KEPT) as simulator, trio.open_nursery() as agents:
        await agents.start(serve_calls, answer_and_listen, simulator.config)
        ringing = simulator.place_call()
        await ringing.caller.wait_talking()
        for _ in range(2 * KEPT):
            await talk(simulator)
        await trio.sleep(10)
        before = (alive(), tables(simulator))
        for _ in range(30):
            await talk(simulator)
        await trio.sleep(10)
        assert (alive(), tables(simulator)) == before
        assert alive()["SimulatedCall"] == others + KEPT + 1
        numbers = [call.number for call in simulator.calls]
        assert numbers == [1, *range(38 - KEPT, 38)], "and the one that goes on"
        assert not ringing.ended
        assert simulator.violations == []
        agents.cancel_scope.cancel()


async def test_all_calls_are_kept_unless_told_otherwise(autojump_clock: MockClock) -> None:
    async with open_simulator() as simulator:
        for _ in range(200):
            simulator.place_call().caller.hang_up()
        assert [call.number for call in simulator.calls] == list(range(1, 201))
        assert all(call.ended for call in simulator.calls)


async def test_a_forgotten_call_is_answered_as_one_that_never_was(
    autojump_clock: MockClock,
) -> None:
    async with (
        open_simulator(keep_finished_calls=1) as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        control = await sdk.open_control()
        call = simulator.place_call()
        call_in = await control.take_call(call)
        call.caller.hang_up()
        await control.receive()  # session.closed
        assert (await control.claim(call.session_id)).error_code == "SESSION_CLOSED"
        simulator.place_call().caller.hang_up()
        await control.receive()  # its offer
        assert (await control.claim(call.session_id)).error_code == "SESSION_NOT_FOUND"
        await control.send(SessionReady(call.session_id))
        assert await control.is_quiet()
        assert await sdk.refusal(call_in.url, {"Authorization": f"Bearer {call_in.token}"}) == 404
        assert simulator.violations == [], "the SDK could not know"


async def test_an_invented_session_is_a_violation_still(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        simulator.place_call()
        await control.receive()
        await control.send(SessionReady("invented"))
        assert await control.is_quiet()
        assert len(simulator.violations) == 1


async def test_a_call_that_is_forgotten_while_its_agent_still_closes(
    autojump_clock: MockClock,
) -> None:
    async with (
        open_simulator(keep_finished_calls=0) as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        await media.succeed("call.disconnect")
        await media.closed.wait()
        await call.wait_ended()
        assert simulator.calls == []
        simulator.inject(cut_media(), call=call)
        simulator.inject(cut_media(), call=call, when=after(seconds=1))
        await trio.sleep(2)
        story = str(simulator.transcript)
        assert "call.disconnect" in story
        assert "call.disconnect" in str(call.transcript), "who still has the call can read on"
        assert [entry.call for entry in call.transcript if "answer" in entry.what] == [1]


async def test_a_call_that_two_end_at_once_is_forgotten_once(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(keep_finished_calls=1) as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        media.say(tone(400, 0.06, 24000))
        await trio.sleep(0.001)
        leaving = media.start("call.disconnect")
        await trio.sleep(0.001)
        call.caller.hang_up()
        assert call.ended
        assert (await media.response(leaving)).success
        assert simulator.calls == [call]


async def test_ending_all_calls_forgets_them_on_the_way(autojump_clock: MockClock) -> None:
    async with open_simulator(keep_finished_calls=2) as simulator:
        calls = [simulator.place_call() for _ in range(5)]
        simulator.end_all_calls()
        assert all(call.ended for call in calls)
        assert simulator.calls == calls[-2:]


async def test_only_the_latest_audio_is_kept(autojump_clock: MockClock) -> None:
    loud, quiet = tone(400, 2, 24000, amplitude=0.5), tone(400, 1, 24000, amplitude=0.05)
    async with (
        open_simulator(keep_audio_seconds=1.0) as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        media.echoes = True
        await media.succeed("call.connect", 60)
        await call.caller.say(loud + quiet)
        await trio.sleep(0.01)
        assert call.caller.said == quiet
        assert call.agent_heard == quiet
        await trio.sleep(5)
        for recording in (
            *(call.caller.heard, call.caller.said, call.callee.heard, call.callee.said),
            *(call.agent_heard, call.agent_said),
        ):
            assert len(recording) == 50 * FRAME
        assert simulator.violations == []


@pytest.mark.parametrize("keep_audio_seconds", [None, 1.0])
async def test_how_loud_everybody_is_now(
    keep_audio_seconds: float | None, autojump_clock: MockClock
) -> None:
    async with (
        open_simulator(keep_audio_seconds=keep_audio_seconds) as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        call = simulator.place_call()
        assert (call.levels().caller, call.levels().callee, call.levels().agent) == (None,) * 3
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        await call.caller.say(tone(400, 2, 24000, amplitude=1.0))
        assert call.levels().caller == pytest.approx(-3, abs=0.1)
        assert call.levels().callee is None
        assert call.levels().agent == -float("inf")
        await trio.sleep(0.2)
        assert call.levels(seconds=0.4).caller == pytest.approx(-6, abs=0.5)
        await trio.sleep(0.3)
        assert call.levels().caller == -float("inf")
        assert call.levels(seconds=0.9).caller == pytest.approx(-6, abs=0.5)
        call.caller.hang_up()
        assert (call.levels().caller, call.levels().callee, call.levels().agent) == (None,) * 3
