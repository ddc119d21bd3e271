"""The agent pauses with the first sound, before a slow detector can tell what it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import RATE, answered, seconds_of, sounds
from trio_calls.audio import noise, silence
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader
from trio_calls.voice import FunctionDetector, SileroDetector, SpeechEnding, SpeechOutcome
from trio_calls.voice._first_sound import FirstSound

FRAME = 480


def decide(*frames: tuple[bool, bool, bool]) -> list[str]:
    """Feed frames: whether a sound, whether the agent talks, whether it may be speech."""
    machine = FirstSound(RATE)
    decisions = [
        machine.feed(is_sound, FRAME, is_agent_talking=talks, may_be_speech=speaks)
        for is_sound, talks, speaks in frames
    ]
    return ["" if decision is None else decision.name for decision in decisions]


SOUND, QUIET, SPEECH = (True, True, False), (False, True, False), (True, True, True)


def test_a_sound_pauses_at_once() -> None:
    assert decide(QUIET, SOUND, SOUND) == ["", "PAUSE", ""]


def test_what_may_be_speech_is_for_the_detector() -> None:
    assert decide(SOUND, SOUND, SPEECH, SPEECH, QUIET) == ["PAUSE", "", "RESUME", "", ""]


def test_a_sound_in_speech_pauses_nothing() -> None:
    assert decide(SPEECH, SPEECH) == ["", ""]


def test_a_sound_that_is_no_speech_is_forgiven() -> None:
    decisions = decide(*[SOUND] * 80)
    assert decisions[0] == "PAUSE"
    assert decisions.index("RESUME") == 10
    # A second later it may pause again.
    assert decisions[11:60] == [""] * 49
    assert decisions[60] == "PAUSE"


def test_nobody_is_paused_who_does_not_talk() -> None:
    silent = (True, False, False)
    assert decide(silent, silent) == ["", ""]
    assert decide(SOUND, silent) == ["PAUSE", "RESUME"]


def deaf() -> FunctionDetector:
    """Make a detector with long windows that hears no speech in anything."""
    return FunctionDetector(lambda pcm: 0.0, RATE, window_seconds=0.032)


@pytest.mark.parametrize("make", [SileroDetector, deaf])
async def test_a_slammed_door_costs_a_short_pause(
    simulator: Simulator, make: Callable[[], object]
) -> None:
    pcm = speech(1, 2.0)
    async with answered(simulator, detector=make) as scene, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def slam() -> None:
            await trio.sleep(0.51)
            await scene.simulated.caller.say(noise(0.1, RATE, 7, amplitude=0.5))

        started_at = trio.current_time()
        with scene.voice.until_interrupted() as talk:
            outcome = await scene.voice.say(pcm)
        assert not talk.cancelled_caught
        assert outcome == SpeechOutcome(SpeechEnding.HEARD, 2.0, 2.0)
        assert 2.1 < trio.current_time() - started_at < 2.4
        assert sounds(scene.simulated.caller.heard)[-9600:] == pcm[-9600:]


async def test_a_noisy_line_does_not_keep_an_agent_silent(simulator: Simulator) -> None:
    async with answered(simulator, detector=deaf) as scene, trio.open_nursery() as nursery:
        bangs = b"".join(
            noise(0.1, RATE, seed, amplitude=0.5) + silence(0.2, RATE) for seed in range(20)
        )
        nursery.start_soon(scene.simulated.caller.say, bangs)
        started_at = trio.current_time()
        with scene.voice.until_interrupted():
            outcome = await scene.voice.say(speech(1, 3.0))
        assert outcome.ending is SpeechEnding.HEARD
        assert trio.current_time() - started_at < 3.0 * 1.3


async def test_speech_is_one_pause_until_it_is_decided(
    simulator: Simulator, wav: WavLoader
) -> None:
    request = wav("caller_request.wav")
    async with (
        answered(simulator, detector=SileroDetector) as scene,
        trio.open_nursery() as nursery,
    ):

        @nursery.start_soon
        async def talk_over() -> None:
            await trio.sleep(1.0)
            await scene.simulated.caller.say(request)

        with scene.voice.until_interrupted() as talk:
            await scene.voice.say(speech(1, 8.0))
        assert talk.cancelled_caught
        # It was silent 60 ms after the first sound of the caller, and for good.
        assert seconds_of(sounds(scene.simulated.caller.heard)) < 1.0 + 0.2 + 0.1
