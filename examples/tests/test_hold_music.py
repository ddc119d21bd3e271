"""Music while the agent looks something up."""

import pytest
import trio
import trio.testing

from examples.recipes import hold_music
from trio_calls import CallState
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, heard, hears, never_heard, run_agent

#: Long enough to be told from everything else, and shorter than the agent looks things up.
THEME = hold_music.MUSIC[: 3 * 48_000]


async def test_music_is_heard_between_the_sentences(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(hold_music.handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    before = heard(call.caller, wav("please_hold.wav"))
    music = heard(call.caller, THEME)
    after = heard(call.caller, wav("not_available.wav"))
    assert before.end_seconds <= music.start_seconds + 0.1
    assert music.end_seconds < after.start_seconds
    assert after.start_seconds - before.end_seconds == pytest.approx(6, abs=0.3)
    assert call.agent_states[-1] is CallState.DISCONNECTED


async def test_nothing_is_looked_up_for_who_has_hung_up(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    async def look_up(number: str | None) -> None:
        try:
            await trio.sleep_forever()
        finally:
            looked_up.append("given up")

    monkeypatch.setattr(hold_music, "look_up", look_up)
    async with run_agent(hold_music.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, wav("please_hold.wav"))
        await trio.sleep(1)
        call.caller.hang_up()
        await trio.testing.wait_all_tasks_blocked()
        assert looked_up == ["given up"]
    never_heard(call.caller, wav("not_available.wav"))
