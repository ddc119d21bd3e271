"""Listen while you talk."""

import pytest
import trio

from examples import attentive_desk
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, answers, declines
from trio_calls.testing import WavLoader, hears, interrupted, never_heard, run_agent, talks_over
from trio_calls.voice import Utterance


async def test_who_does_not_wait_is_put_through(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(attentive_desk.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        request, greeting = wav("caller_request.wav"), wav("greeting.wav")
        await talks_over(call.caller, request, over=greeting, at=1.0)
        interrupted(call.caller, greeting, at=1.0)
        await hears(call.caller, wav("please_hold.wav"), within_seconds=5)
        await hears(call.callee, wav("guidance.wav"))
        await call.wait_agent_left()
        assert call.caller.state is PhoneState.TALKING
    never_heard(call.caller, wav("guidance.wav"))


async def test_who_says_nothing_is_asked_again(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(attentive_desk.handle_call, simulator):
        call = simulator.place_call()
        first = await hears(call.caller, wav("greeting.wav"))
        second = await hears(call.caller, wav("greeting.wav"))
        assert 5 < second.start_seconds - first.end_seconds < 6
        await hears(call.caller, wav("goodbye.wav"))
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states


async def test_nobody_picks_up(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(attentive_desk.handle_call, simulator):
        call = simulator.place_call(pickup=declines(after_seconds=2))
        await hears(call.caller, wav("greeting.wav"))
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("not_available.wav"))
        await call.wait_ended()


async def test_who_hangs_up_ends_the_looking_up(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_cancelled = trio.Event()

    async def look_up(request: Utterance) -> bool:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            was_cancelled.set()
            raise
        raise AssertionError

    monkeypatch.setattr(attentive_desk, "look_up", look_up)
    async with run_agent(attentive_desk.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, wav("greeting.wav"))
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("please_hold.wav"))
        call.caller.hang_up()
        with trio.fail_after(1):
            await was_cancelled.wait()
            await call.wait_ended()
