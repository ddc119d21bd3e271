"""The caller talks over the agent."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import RATE, answered, loudness, seconds_of, sounds
from trio_calls.simulator import Simulator
from trio_calls.voice import SpeechEnding

listening = functools.partial(answered, detector=loudness)
LONG = 3.0


@pytest.mark.parametrize("frames", range(0, 60))
async def test_speech_interrupts_at_any_frame(simulator: Simulator, frames: int) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        said = scene.voice.speech(speech(1, 1.5), text="a b c d e f g h i j")
        nursery.start_soon(_talk_over, scene, (frames + 0.5) * 0.02, speech(2, 1.0))
        with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
            await said.say()
        assert talk.cancelled_caught
        heard = sounds(scene.simulated.caller.heard)
        await trio.sleep(1)
        # Nothing of the sentence is heard after that.
        assert sounds(scene.simulated.caller.heard) == heard
        assert said.outcome is not None
        assert said.outcome.ending is SpeechEnding.INTERRUPTED
        # It stopped to talk when the caller began, and not when that turned out to be speech.
        assert said.outcome.heard_seconds <= (frames + 1) * 0.02 + 0.1
        assert seconds_of(heard) == pytest.approx(said.outcome.heard_seconds, abs=0.041)


async def _talk_over(scene, seconds: float, pcm: bytes) -> None:  # type: ignore[no-untyped-def]
    await trio.sleep(seconds)
    await scene.simulated.caller.say(pcm)


@pytest.mark.parametrize("frames", range(0, 40, 3))
async def test_a_cough_only_pauses(simulator: Simulator, frames: int) -> None:
    pcm = speech(1, 1.0)
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        said = scene.voice.speech(pcm)
        nursery.start_soon(_talk_over, scene, (frames + 0.5) * 0.02, speech(2, 0.16))
        with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
            await said.say()
        assert not talk.cancelled_caught
        assert said.outcome is not None
        assert said.outcome.ending is SpeechEnding.HEARD
        assert said.heard_seconds == 1.0
        heard = sounds(scene.simulated.caller.heard)
        # All of it, and the 5 ms once more in which it has faded out.
        assert len(heard) in {len(pcm), len(pcm) + 960}
        assert heard[-4800:] == pcm[-4800:]


@pytest.mark.parametrize("frames", range(45, 55))
async def test_a_cough_at_the_end_holds_nothing_back(simulator: Simulator, frames: int) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, frames * 0.02, speech(2, 0.1))
        with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
            await scene.voice.say(speech(1, 1.0))
            await trio.sleep(0.5)
            assert not scene.voice.is_paused
            with trio.fail_after(1.2):
                await scene.voice.say(speech(3, 1.0))
        assert not talk.cancelled_caught
        assert sounds(scene.simulated.caller.heard)[-48_000:] == speech(3, 1.0)


async def test_a_pause_for_a_cough_is_as_long_as_the_cough(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 1.01, speech(2, 0.2))
        started_at = trio.current_time()
        with scene.voice.until_interrupted(min_speech_seconds=0.5):
            await scene.voice.say(speech(1, 2.0))
        lasted = trio.current_time() - started_at
        # The cough and the hangover, less what had been pulled, and what `say` waits at its end.
        assert 2.0 + 0.2 + 0.2 - 0.06 <= lasted <= 2.0 + 0.2 + 0.2 + 0.1


@pytest.mark.parametrize("min_speech_seconds", [0, 0.1, 0.5, 2.0])
async def test_the_decision_comes_in_time(simulator: Simulator, min_speech_seconds: float) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 1.0, speech(2, 4.0))
        started_at = trio.current_time()
        with scene.voice.until_interrupted(min_speech_seconds=min_speech_seconds) as talk:
            await scene.voice.say(speech(1, 10))
        assert talk.cancelled_caught
        # At the most a window of the detector and 15 ms after so much of it was said.
        decided = trio.current_time() - started_at - 1.0
        assert min_speech_seconds - 0.021 <= decided <= min_speech_seconds + 0.02 + 0.015


async def test_outside_a_block_nobody_interrupts(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 0.5, speech(2, 1.0))
        with scene.voice.until_interrupted(min_speech_seconds=0.1):
            pass
        outcome = await scene.voice.say(speech(1, 2.0))
        assert outcome.ending is SpeechEnding.HEARD
        assert sounds(scene.simulated.caller.heard) == speech(1, 2.0)


async def test_who_speaks_first_does_not_interrupt_a_thought(
    simulator: Simulator,
) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 0.5, speech(2, 1.0))
        with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
            await trio.sleep(3)  # the agent thinks
        assert not talk.cancelled_caught


async def test_an_agent_does_not_begin_while_the_caller_speaks(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 0, speech(2, 3.0))
        with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
            await trio.sleep(1)
            await scene.voice.say(speech(1, 2.0))
        assert talk.cancelled_caught
        assert seconds_of(sounds(scene.simulated.caller.heard)) <= 0.12


async def test_the_utterance_that_interrupts_is_heard(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        utterances = scene.voice.utterances()
        nursery.start_soon(_talk_over, scene, 0.5, speech(2, 1.0))
        with scene.voice.until_interrupted():
            await scene.voice.say(speech(1, LONG))
        utterance = await anext(utterances)
        assert utterance.pcm.strip(b"\0") == speech(2, 1.0).strip(b"\0")


async def test_what_is_sent_by_hand_is_interrupted_too(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 0.5, speech(2, 1.0))
        with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
            await scene.call.send_audio(speech(1, LONG))
            await scene.call.wait_audio_sent()
        assert talk.cancelled_caught
        heard = len(sounds(scene.simulated.caller.heard))
        await trio.sleep(2)
        assert len(sounds(scene.simulated.caller.heard)) == heard
        assert seconds_of(bytes(heard)) < 0.7


async def test_a_pause_of_the_application_outlasts_a_cough(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 0.5, speech(2, 0.1))
        nursery.start_soon(scene.voice.say, speech(1, 1.0))
        with scene.voice.until_interrupted():
            await trio.sleep(0.45)
            scene.voice.pause()
            await trio.sleep(3)
        assert scene.voice.is_paused
        heard = len(sounds(scene.simulated.caller.heard))
        assert seconds_of(bytes(heard)) < 0.6
        scene.voice.resume()


async def test_blocks_in_blocks_have_their_own_patience(simulator: Simulator) -> None:
    async with listening(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(_talk_over, scene, 0.5, speech(2, 1.0))
        with scene.voice.until_interrupted(min_speech_seconds=2.0) as outer:
            with scene.voice.until_interrupted(min_speech_seconds=0.2) as inner:
                await scene.voice.say(speech(1, 1.0))
            assert inner.cancelled_caught
            await scene.voice.say(speech(3, 1.0))
        assert not outer.cancelled_caught
        heard = np.frombuffer(sounds(scene.simulated.caller.heard), "<i2")
        assert heard.size > RATE


@pytest.mark.parametrize("seconds", [-1, float("nan"), True, "1"])
async def test_no_patience(simulator: Simulator, seconds: object) -> None:
    async with listening(simulator) as scene:
        with pytest.raises(ValueError, match="min_speech_seconds"):
            scene.voice.until_interrupted(min_speech_seconds=seconds)  # type: ignore[arg-type]
