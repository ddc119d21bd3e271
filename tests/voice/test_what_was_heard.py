"""What counts as heard of a speech, whatever else is said, dropped or paused around it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import Scene, answered, seconds_of, sounds
from trio_calls.simulator import Simulator, answers
from trio_calls.voice import SpeechEnding

FRAME_SECONDS = 0.02


async def synthesize(pieces: int, pause: float) -> AsyncIterator[bytes]:
    for seed in range(pieces):
        yield speech(seed, 0.2)
        await trio.sleep(pause)


@pytest.mark.parametrize("command", ["connect", "whisper", "clear"])
@pytest.mark.parametrize("pause", [0, 0.1, 0.3])
async def test_what_is_dropped_is_not_taken_up_again(
    simulator: Simulator, command: str, pause: float
) -> None:
    async with answered(simulator, answers(after_seconds=1.01)) as scene:
        if command == "whisper":
            await scene.call.connect()
        music = scene.voice.speech(synthesize(20, pause))
        async with trio.open_nursery() as nursery:
            if command == "connect":
                nursery.start_soon(scene.call.connect)
            await trio.lowlevel.checkpoint()
            nursery.start_soon(music.say)
            await trio.sleep(1.01)
            if command == "clear":
                await scene.call.clear_send_audio_buffer()
            if command == "whisper":
                await scene.call.whisper(flush=False)
        heard = seconds_of(sounds(scene.simulated.agent_said))
        assert 0.6 < heard < 1.1
        assert music.outcome is not None
        assert music.outcome.ending is SpeechEnding.INTERRUPTED
        assert abs(music.outcome.heard_seconds - heard) <= FRAME_SECONDS + 1e-6


async def test_who_clears_and_cancels_hears_nothing_more(simulator: Simulator) -> None:
    async with answered(simulator) as scene:

        async def talk() -> None:
            for seed in range(5):
                await scene.voice.say(speech(seed, 1.0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            await trio.sleep(0.5)
            await scene.call.clear_send_audio_buffer()
            nursery.cancel_scope.cancel()
        heard = len(sounds(scene.simulated.caller.heard))
        await trio.sleep(1)
        assert len(sounds(scene.simulated.caller.heard)) == heard


async def test_speech_before_it_that_is_withdrawn(simulator: Simulator) -> None:
    async with answered(simulator, settings={"send_buffer_bytes": 9600}) as scene:
        said = scene.voice.speech(speech(1, 1.0))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_send_for_a_while, scene, 0.5)
            await trio.sleep(0.01)
            nursery.start_soon(said.say)
        assert said.outcome is not None
        assert said.outcome.ending is SpeechEnding.HEARD


async def _send_for_a_while(scene: Scene, seconds: float) -> None:
    with trio.move_on_after(seconds):
        await scene.call.send_audio(speech(7, 5.0))


async def test_pauses_before_it_do_not_count(simulator: Simulator) -> None:
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        await scene.call.send_audio(speech(7, 1.0))
        said = scene.voice.speech(speech(1, 1.0))
        nursery.start_soon(said.say)
        for _ in range(10):
            await trio.sleep(0.025)
            scene.voice.pause()
            await trio.sleep(0.05)
            scene.voice.resume()
        await trio.sleep(1.3)
        heard = scene.simulated.caller.heard
        heard = heard[heard.index(speech(1, 0.02)) :]
        assert abs(said.heard_seconds - seconds_of(heard)) <= FRAME_SECONDS + 1e-6


async def test_what_others_say_in_between_does_not_count(simulator: Simulator) -> None:
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        said = scene.voice.speech(synthesize(3, 0.5))
        nursery.start_soon(said.say)
        await trio.sleep(0.1)
        await scene.call.send_audio(speech(7, 10))
        await trio.sleep(5)
        assert said.heard_seconds == 0.2
        await trio.sleep(6)
        assert said.outcome is not None
        assert (said.outcome.ending, said.heard_seconds) == (SpeechEnding.HEARD, said.seconds)


async def test_what_others_say_behind_it_is_not_waited_for(simulator: Simulator) -> None:
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        said = scene.voice.speech(speech(1, 25.0))
        nursery.start_soon(said.say)
        await trio.sleep(0.1)
        nursery.start_soon(scene.call.send_audio, speech(7, 30))
        await trio.sleep(25.1)
        assert said.outcome is not None
        assert said.outcome.ending is SpeechEnding.HEARD
        nursery.cancel_scope.cancel()


async def test_it_is_silent_before_its_synthesizer_has_ended(simulator: Simulator) -> None:
    async def linger() -> AsyncIterator[bytes]:
        yield speech(1, 3.0)
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)

    async with answered(simulator) as scene:
        said = scene.voice.speech(linger())
        with trio.move_on_after(0.51):
            await said.say()
        heard = seconds_of(sounds(scene.simulated.caller.heard))
        assert heard < 0.55
        assert said.heard_seconds == pytest.approx(heard, abs=FRAME_SECONDS + 1e-6)


@pytest.mark.parametrize("is_in_block", [False, True])
async def test_a_hangup_between_two_pieces(simulator: Simulator, is_in_block: bool) -> None:
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        said = scene.voice.speech(synthesize(3, 2.0))

        @nursery.start_soon
        async def hang_up() -> None:
            await trio.sleep(1)
            scene.simulated.caller.hang_up()

        if is_in_block:
            with scene.call.cancel_on_hangup():
                await said.say()
        else:
            await said.say()
        assert said.outcome is not None
        assert said.outcome.ending is SpeechEnding.CALL_OVER
        assert said.heard_seconds == 0.2


async def test_pauses_are_forgotten_with_what_was_said(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        await scene.call.send_audio(speech(1, 5))
        for _ in range(50):
            await trio.sleep(0.03)
            scene.voice.pause()
            await trio.sleep(0.03)
            scene.voice.resume()
        assert scene.voice._playout._inserted == []
        assert len(scene.call._protocol.audio._marks) <= 1
