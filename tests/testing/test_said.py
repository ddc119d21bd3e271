"""What the agent said, for tests to assert."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.testing_plugin import GOODBYE, HELLO
from tests.support.wires import on_both_wires
from trio_calls import ActiveCall
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.testing import Said, hears, run_agent, said
from trio_calls.voice import SpeechEnding, open_voice
from trio_calls.voice.timeline.collecting import MAX_TIMELINES, Timelines, collected


async def greet(call: ActiveCall) -> None:
    await call.answer()
    async with open_voice(call) as voice:
        await voice.say(HELLO, text="Hello!")
    async with open_voice(call) as voice:
        await voice.say(GOODBYE, text="See you.")
    await call.wait_disconnected()


def texts(records: list[Said]) -> list[str | None]:
    return [record.text for record in records]


@on_both_wires
async def test_a_simulated_call(simulator: Simulator) -> None:
    async with run_agent(greet, simulator):
        call = simulator.place_call()
        await hears(call.caller, HELLO)
        await trio.sleep(0.5)
        (first,) = said(call)
        assert (first.text, first.seconds, first.heard_seconds) == ("Hello!", 1.0, 1.0)
        assert first.ending is SpeechEnding.HEARD
        call.caller.hang_up()
        await call.wait_ended()
    assert texts(said(call)) == ["Hello!", "See"]
    assert said(call)[1].ending is SpeechEnding.CALL_OVER


@on_both_wires
async def test_a_call_as_the_agent_has_it(simulator: Simulator) -> None:
    calls: list[ActiveCall] = []

    async def handle_call(call: ActiveCall) -> None:
        calls.append(call)
        await greet(call)

    async with run_agent(handle_call, simulator):
        for _ in range(2):
            simulated = simulator.place_call()
            await hears(simulated.caller, GOODBYE)
            simulated.caller.hang_up()
            await simulated.wait_ended()
    assert [texts(said(call)) for call in calls] == [["Hello!", "See you."]] * 2


@pytest.mark.parametrize("has_answered", [False, True])
async def test_an_agent_without_a_voice(simulator: Simulator, has_answered: bool) -> None:
    async def handle_call(call: ActiveCall) -> None:
        if has_answered:
            await call.answer()
            await call.send_audio(HELLO)
        await trio.sleep_forever()

    async with run_agent(handle_call, simulator):
        call = simulator.place_call()
        await trio.sleep(2)
        with pytest.raises(LookupError, match=r"^nothing is known of what the agent has said"):
            said(call)
        call.caller.hang_up()
        await call.wait_ended()


def test_without_the_pytest_plugin() -> None:
    token = collected.set(None)

    async def main() -> list[Said]:
        async with open_simulator() as simulator, run_agent(greet, simulator):
            call = simulator.place_call()
            await hears(call.caller, GOODBYE)
            call.caller.hang_up()
            await call.wait_ended()
        return said(call)

    try:
        clock = trio.testing.MockClock(autojump_threshold=0)
        assert texts(trio.run(main, clock=clock)) == ["Hello!", "See you."]
        # It ends with the run.
        assert collected.get() is None
    finally:
        collected.reset(token)


async def test_a_test_without_an_end_keeps_the_newest(simulator: Simulator) -> None:
    timelines = Timelines()
    async with run_agent(greet, simulator):
        call = simulator.place_call()
        await hears(call.caller, HELLO)
        timeline = next(iter(collected.get() or Timelines()))
        for _ in range(MAX_TIMELINES + 5):
            timelines.add(timeline)
        call.caller.hang_up()
        await call.wait_ended()
    assert len(list(timelines)) == MAX_TIMELINES
