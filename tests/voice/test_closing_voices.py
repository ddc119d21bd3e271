"""What is left of a voice, and of who has listened, when they are done."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import answered, loudness, sounds
from trio_calls.simulator import Simulator
from trio_calls.voice import SpeechEnding, open_voice


async def test_who_listens_no_longer_is_forgotten(simulator: Simulator) -> None:
    async with answered(simulator, detector=loudness) as scene:
        for _ in range(10):
            utterances, events = scene.voice.utterances(), scene.voice.speech_events()
            with scene.voice.until_interrupted():
                await trio.lowlevel.checkpoint()
            del utterances, events
        (listening,) = scene.voice._listenings.values()
        # The voice itself still does, for its timeline.
        assert list(listening._listeners) == list(scene.voice._ears.values())


@pytest.mark.parametrize("has_listened", [False, True])
async def test_a_closed_voice_says_so(simulator: Simulator, has_listened: bool) -> None:
    async with answered(simulator) as scene:
        async with open_voice(scene.call) as voice:
            if has_listened:
                voice.utterances()
        for use in (voice.utterances, voice.speech_events, voice.until_interrupted, voice.pause):
            for _ in range(2):
                with pytest.raises(RuntimeError, match="this voice was closed"):
                    use()
        # What needs nothing that has ended works.
        assert (await voice.say(speech(1, 0.1))).ending is SpeechEnding.HEARD
        voice.resume()
        assert sounds(scene.simulated.caller.heard) == speech(1, 0.1)


async def test_a_block_made_before_says_so_too(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        async with open_voice(scene.call) as voice:
            block = voice.until_interrupted()
        with pytest.raises(RuntimeError, match="this voice was closed"), block:
            raise AssertionError("nobody could interrupt it")


async def test_a_closed_voice_keeps_no_audio(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        async with open_voice(scene.call) as voice:
            utterances = voice.utterances()
        # Longer than a stream that nobody reads could hold.
        await trio.sleep(30)
        assert scene.call.statistics().dropped_frames == 0
        assert [utterance async for utterance in utterances] == []


async def test_voices_of_one_call_pause_together(simulator: Simulator) -> None:
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        async with open_voice(scene.call) as other:
            nursery.start_soon(scene.voice.say, speech(1, 1.0))
            await trio.sleep(0.5)
            for _ in range(3):
                other.pause()
                scene.voice.pause()
            await trio.sleep(0.1)
            heard = scene.simulated.caller.heard
            scene.voice.resume()
            await trio.sleep(1)
            assert sounds(scene.simulated.caller.heard) == sounds(heard)
            assert other.is_paused
        # The other one has resumed by being closed.
        assert not scene.voice.is_paused
        await trio.sleep(1)
        assert sounds(scene.simulated.caller.heard)[-9600:] == speech(1, 1.0)[-9600:]
