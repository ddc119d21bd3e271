"""A backdrop is not said: nothing that is said goes another way for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from tests.support.backdrops import (
    FLAT,
    clicks,
    has_speech,
    levels,
    speech_seconds,
    under,
)
from tests.support.phone_calls import speech
from tests.support.voice_agents import answered, loudness
from trio_calls import AgentMode
from trio_calls.simulator import Simulator, answers, jitter
from trio_calls.voice import SpeechEnding, SpeechOutcome

FRAME_SECONDS = 0.02
ONE_FRAME = FRAME_SECONDS + 1e-6


@pytest.mark.parametrize("before", [0, 0.313])
@pytest.mark.parametrize("frames", range(8))
async def test_who_is_cancelled_knows_what_was_heard(
    simulator: Simulator, frames: int, before: float
) -> None:
    async with answered(simulator) as scene:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(before)
            said = scene.voice.speech(speech(1, 3.0))
            with trio.move_on_after(0.3 + (frames + 0.5) * FRAME_SECONDS):
                await said.say()
            await trio.sleep(0.3)
    assert said.outcome is not None
    heard = speech_seconds(scene.simulated.agent_said)
    assert abs(said.outcome.heard_seconds - heard) <= ONE_FRAME
    assert 0.2 < heard < 0.6


@pytest.mark.parametrize(
    ("mode", "jitter_seconds"),
    [*((mode, 0) for mode in (None, *AgentMode)), (None, 0.05), (AgentMode.WHISPER, 0.3)],
)
async def test_heard_means_heard(
    simulator: Simulator, mode: AgentMode | None, jitter_seconds: float
) -> None:
    async with answered(simulator, answers(after_seconds=0.1)) as scene:
        with scene.voice.backdrop(FLAT):
            if mode is not None:
                await scene.call.connect()
            if mode is AgentMode.WHISPER:
                await scene.call.whisper()
            if mode is AgentMode.SPY:
                await scene.call.spy()
            await trio.sleep(0.313)
            if jitter_seconds:
                simulator.inject(jitter(seconds=jitter_seconds))
            said = scene.voice.speech(speech(1, 2.0))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(said.say)
                while said.outcome is None:
                    heard = speech_seconds(scene.simulated.agent_said)
                    assert abs(said.heard_seconds - heard) <= ONE_FRAME
                    await trio.sleep(0.0137)
            assert said.outcome == SpeechOutcome(SpeechEnding.HEARD, 2.0, 2.0)


async def test_speech_over_it_is_heard_to_its_end(simulator: Simulator) -> None:
    """Something of the backdrop is always on the way: it is not waited for."""
    async with answered(simulator) as scene:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(0.5)
            began = trio.current_time()
            with trio.fail_after(5):
                await scene.voice.say(speech(1, 2.0))
            assert trio.current_time() - began == pytest.approx(2, abs=0.2)
            assert has_speech(scene.simulated.caller.heard).sum() == 100


async def test_its_counts_are_those_of_speech(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(1)
            assert scene.call.statistics().sent_bytes == 0
            await scene.call.wait_audio_sent()
            await scene.call.send_audio(speech(1, 0.5))
            assert scene.call.get_send_audio_buffer_size() == 24_000
            await scene.call.wait_audio_sent()
            assert scene.call.get_send_audio_buffer_size() == 0
            assert scene.call.statistics().sent_bytes == 24_000
            await scene.call.send_audio(speech(1, 0.5))
            assert await scene.call.clear_send_audio_buffer() == 24_000


@pytest.mark.parametrize("frames", range(0, 30, 3))
async def test_a_pause_pauses_the_speech_alone(simulator: Simulator, frames: int) -> None:
    said = speech(1, 0.5)
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(0.2)
            outcome = scene.voice.speech(said)
            nursery.start_soon(outcome.say)
            await trio.sleep(frames * FRAME_SECONDS)
            scene.voice.pause()
            await trio.sleep(0.1)
            paused_from = len(scene.simulated.caller.heard)
            heard_seconds = outcome.heard_seconds
            await trio.sleep(2)
            during = scene.simulated.caller.heard[paused_from:]
            assert not has_speech(during).any()
            assert levels(during)[15:] == [1.0] * len(levels(during)[15:])
            assert outcome.heard_seconds == heard_seconds
            scene.voice.resume()
            await trio.sleep(1)
            assert outcome.outcome == SpeechOutcome(SpeechEnding.HEARD, 0.5, 0.5)
    assert speech_seconds(scene.simulated.caller.heard) in {0.5, 0.52}


@pytest.mark.parametrize("frames", range(0, 40, 3))
async def test_it_can_be_interrupted(simulator: Simulator, frames: int) -> None:
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(0.2)
            said = scene.voice.speech(speech(1, 2.0))

            @nursery.start_soon
            async def talk_over() -> None:
                await trio.sleep((frames + 0.5) * FRAME_SECONDS)
                await scene.simulated.caller.say(speech(2, 1.0))

            with scene.voice.until_interrupted(min_speech_seconds=0.3) as talk:
                await said.say()
            assert talk.cancelled_caught
            heard = speech_seconds(scene.simulated.caller.heard)
            assert abs(said.heard_seconds - heard) <= 2 * ONE_FRAME
            await trio.sleep(1)
            assert speech_seconds(scene.simulated.caller.heard) == heard
            assert levels(scene.simulated.caller.heard)[-10:] == [1.0] * 10


async def test_nobody_interrupts_a_backdrop(simulator: Simulator) -> None:
    async with answered(simulator, detector=loudness) as scene, trio.open_nursery() as nursery:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(0.3)
            nursery.start_soon(scene.simulated.caller.say, speech(2, 1.0))
            with scene.voice.until_interrupted(min_speech_seconds=0.1) as talk:
                await trio.sleep(2)
                assert not scene.voice.is_paused
            assert not talk.cancelled_caught
    assert levels(scene.simulated.caller.heard)[20:60] == [1.0] * 40


async def test_an_echo_has_no_gaps(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        stream = scene.call.audio_stream()
        scene.simulated.caller.say_nowait(speech(5, 1.0))
        with scene.voice.backdrop(FLAT), trio.move_on_after(2):
            async for chunk in stream:
                await scene.call.send_audio(chunk)
    assert not clicks(under(scene.simulated.caller.heard, speech(5, 1.0)))


async def test_a_synthesizer_that_is_slow(simulator: Simulator) -> None:
    async def synthesize() -> AsyncIterator[bytes]:
        for seed in range(3):
            yield speech(seed, 0.21)[:-10]
            await trio.sleep(0.5)

    async with answered(simulator) as scene:
        with scene.voice.backdrop(FLAT):
            await trio.sleep(0.2)
            outcome = await scene.voice.say(synthesize())
    assert outcome.heard_seconds == outcome.seconds == 3 * (0.21 - 10 / 48_000)
    assert 0.63 <= speech_seconds(scene.simulated.caller.heard) <= 0.67
