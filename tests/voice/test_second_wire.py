"""A voice on the second wire, whose exchange tells what it has played."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import FRAME, answered
from tests.support.wires import on_the_second_wire
from trio_calls.simulator import Simulator
from trio_calls.voice import SpeechEnding

pytestmark = on_the_second_wire


async def test_ends_of_speech_are_heard_to_the_last_sample(simulator: Simulator) -> None:
    """None is a whole frame, nor whole milliseconds: the simulator checks the time of each."""
    said = [speech(seed, 0.1)[: -2 * seed] for seed in range(1, 8)]
    async with answered(simulator) as scene:
        for piece in said:
            with trio.fail_after(0.3):
                outcome = await scene.voice.say(piece)
            assert outcome.heard_seconds == pytest.approx(len(piece) / 48_000)
            assert piece + bytes(-len(piece) % FRAME) in scene.simulated.caller.heard


async def test_less_than_a_millisecond_is_heard_to_its_end(
    simulator: Simulator,
) -> None:
    """The exchange counts whole ones, and says nothing of the end of these."""
    async with answered(simulator) as scene:
        for samples in range(1, 20, 3):
            outcome = await scene.voice.say(speech(samples, 0.1)[: 3 * FRAME + 2 * samples])
            assert outcome.ending is SpeechEnding.HEARD


async def test_what_follows_in_time_is_heard_without_a_gap(simulator: Simulator) -> None:
    """An end has gone out as a short frame, but it is not played yet."""
    async with answered(simulator) as scene:
        first, second = speech(1, 0.1)[:-500], speech(2, 0.1)
        await scene.call.send_audio(first)
        await trio.sleep(0.08)
        assert scene.call.statistics().queued_bytes == 0
        await scene.call.send_audio(second)
        await trio.sleep(0.5)
        assert first + second in scene.simulated.caller.heard
