"""A voice on the second wire, whose exchange tells what it has played."""

from __future__ import annotations

import pytest
import trio

from tests.support.backdrops import FLAT, has_speech
from tests.support.phone_calls import speech
from tests.support.voice_agents import answered
from trio_calls.simulator import Simulator


async def test_speech_over_a_backdrop_is_heard_to_its_end(simulator: Simulator) -> None:
    """Something of the backdrop is always on the way: it is not waited for."""
    async with answered(simulator, settings={"wire": "second"}) as scene:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(0.5)
            began = trio.current_time()
            with trio.fail_after(5):
                await scene.voice.say(speech(1, 2.0))
            assert trio.current_time() - began == pytest.approx(2, abs=0.1)
            assert has_speech(scene.simulated.caller.heard).sum() == 100
