"""An agent that says so when its tool is slow."""

import pytest
import trio

from examples.recipes import slow_tool
from trio_calls.simulator import SimulatedCall, Simulator
from trio_calls.testing import WavLoader, heard, hears, never_heard, run_agent


async def call_with(simulator: Simulator) -> SimulatedCall:
    async with run_agent(slow_tool.handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    return call


def let_it_take(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find_somebody() -> object:
        await trio.sleep(seconds)
        return slow_tool.SPEECH / "goodbye.wav"

    monkeypatch.setattr(slow_tool, "find_somebody", find_somebody)


async def test_a_quick_answer_comes_without_a_word(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_take(1, monkeypatch)
    call = await call_with(simulator)
    answer = heard(call.caller, wav("goodbye.wav"))
    assert answer.start_seconds == pytest.approx(1, abs=0.2)
    never_heard(call.caller, wav("please_hold.wav"))


async def test_a_slow_one_is_spoken_of_again_and_again(
    simulator: Simulator, wav: WavLoader
) -> None:
    call = await call_with(simulator)
    first = await hears(call.caller, wav("please_hold.wav"))
    again = await hears(call.caller, wav("please_hold.wav"))
    answer = await hears(call.caller, wav("goodbye.wav"))
    assert first.start_seconds == pytest.approx(2, abs=0.2)
    assert again.start_seconds - first.end_seconds == pytest.approx(10, abs=0.3)
    assert answer.start_seconds == pytest.approx(max(15, again.end_seconds), abs=0.3)


async def test_a_sentence_is_finished_before_the_answer(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_it_take(2.5, monkeypatch)
    call = await call_with(simulator)
    sentence = heard(call.caller, wav("please_hold.wav"), min_correlation=0.99)
    answer = heard(call.caller, wav("goodbye.wav"), min_correlation=0.99)
    assert answer.start_seconds >= sentence.end_seconds


@pytest.mark.parametrize("how", ["fails", "never answers"])
async def test_one_that_does_not_answer(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def find_somebody() -> None:
        if how == "never answers":
            await trio.sleep_forever()
        raise ConnectionError("the tool is gone")

    monkeypatch.setattr(slow_tool, "find_somebody", find_somebody)
    monkeypatch.setattr(slow_tool, "PATIENCE_SECONDS", 8)
    call = await call_with(simulator)
    apology = heard(call.caller, wav("not_available.wav"))
    assert apology.start_seconds == pytest.approx(0 if how == "fails" else 8, abs=0.2)


async def test_a_hangup_in_the_middle_of_it(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(slow_tool.handle_call, simulator) as client:
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(2.5)
        call.caller.hang_up()
        await trio.sleep(0.1)
        assert client.calls == ()
