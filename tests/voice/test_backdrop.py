"""A sound behind what the agent says: who hears it, how loud, and what it leaves as it is."""

from __future__ import annotations

import numpy as np
import pytest
import trio

from tests.support.backdrops import (
    FLAT,
    FULL,
    clicks,
    frames_of,
    has_speech,
    levels,
    speech_seconds,
    under,
)
from tests.support.phone_calls import speech
from tests.support.voice_agents import FRAME, RATE, answered
from trio_calls import ActiveCall, CallState, serve_calls
from trio_calls.audio import to_samples, tone
from trio_calls.audio._backdrop import DUCKED
from trio_calls.simulator import Simulator, answers
from trio_calls.voice import SpeechEnding, SpeechOutcome, open_voice

FRAME_SECONDS = 0.02
ONE_FRAME = FRAME_SECONDS + 1e-6


class TestHeard:
    """What the caller hears of it."""

    async def test_alone_between_fades(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            with scene.voice.backdrop(FLAT):
                await trio.sleep(1)
            await trio.sleep(0.5)
        heard = scene.simulated.caller.heard
        assert not clicks(frames_of(heard).ravel())
        sounds = [level for level in levels(heard) if level]
        assert sounds[3:-3] == [1.0] * len(sounds[3:-3])
        assert len(sounds) * FRAME_SECONDS == pytest.approx(1.06, abs=0.05)
        assert levels(heard)[-15:] == [0.0] * 15

    async def test_softer_under_speech(self, simulator: Simulator) -> None:
        said = speech(1, 1.0)
        async with answered(simulator) as scene:
            with scene.voice.backdrop(FLAT):
                await trio.sleep(0.5)
                assert await scene.voice.say(said) == SpeechOutcome(SpeechEnding.HEARD, 1.0, 1.0)
                await trio.sleep(1)
        heard = scene.simulated.caller.heard
        assert speech_seconds(heard) == 1.0
        during = under(heard, said)
        # To the sample: what is left when the speech is taken away is the backdrop, and no more.
        assert not clicks(during)
        assert during[:2].tolist() == pytest.approx([FULL, FULL], abs=3)
        assert set(during[RATE // 20 :]) == {round(FULL * DUCKED)}
        after = levels(heard)[int(np.flatnonzero(has_speech(heard))[-1]) + 1 :]
        assert after[:9] == pytest.approx([DUCKED] * 9)
        assert after[13:30] == [1.0] * 17

    async def test_for_longer_than_it_is(self, simulator: Simulator) -> None:
        clip = tone(100, 0.2525, RATE, amplitude=1.0)
        async with answered(simulator) as scene:
            with scene.voice.backdrop(clip):
                await trio.sleep(5)
        heard = frames_of(scene.simulated.caller.heard).ravel()
        steepest = np.abs(np.diff(to_samples(clip).astype(int))).max()
        # The seam of 10 ms is no steeper than all of the clip's range in its length.
        assert np.abs(np.diff(heard)).max() <= 0.1 * (steepest + 2 * 32767 / 240) + 1
        assert np.abs(heard).max() == 3277
        loudest = np.abs(heard.reshape(-1, FRAME // 2)).max(axis=1)
        assert (loudest[10:240] > 3000).all()

    @pytest.mark.parametrize("gain", [0, 0.05, 1])
    async def test_as_loud_as_asked(self, simulator: Simulator, gain: float) -> None:
        async with answered(simulator) as scene:
            with scene.voice.backdrop(FLAT, gain=gain):
                await trio.sleep(0.5)
                assert levels(scene.simulated.caller.heard)[-1] == pytest.approx(10 * gain)

    async def test_of_a_frame_that_is_not_whole(self, simulator: Simulator) -> None:
        said = speech(1, 0.5)[:-400]
        async with answered(simulator) as scene:
            with scene.voice.backdrop(FLAT):
                await trio.sleep(0.5)
                assert (await scene.voice.say(said)).heard_seconds == len(said) / 48_000
                await trio.sleep(0.5)
        assert not clicks(under(scene.simulated.caller.heard, said + bytes(400)))

    async def test_one_after_the_other(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            for gain in (0.1, 0.05, 0.1):
                with scene.voice.backdrop(FLAT, gain=gain):
                    await trio.sleep(0.5)
        heard = levels(scene.simulated.caller.heard)
        assert not clicks(frames_of(scene.simulated.caller.heard).ravel())
        assert min(heard[10:50]) >= 0.5
        assert (heard[20], heard[45], heard[70]) == (1.0, 0.5, 1.0)

    async def test_no_sooner_than_the_call_is_answered(self, simulator: Simulator) -> None:
        async def handle_call(call: ActiveCall) -> None:
            async with open_voice(call) as voice:
                with voice.backdrop(FLAT):
                    await trio.sleep(1)
                    await call.answer()
                    await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            await nursery.start(serve_calls, handle_call, simulator.config)
            call = simulator.place_call()
            await call.wait_ended()
            nursery.cancel_scope.cancel()
        assert simulator.violations == []
        assert sum(level > 0 for level in levels(call.caller.heard)) == pytest.approx(50, abs=3)


class TestEnds:
    """It keeps nothing from ending."""

    @pytest.mark.parametrize("command", ["close", "disconnect"])
    @pytest.mark.parametrize("is_talking", [False, True])
    async def test_goodbye_ends_with_the_speech(
        self, simulator: Simulator, command: str, is_talking: bool
    ) -> None:
        said = speech(1, 1.0)

        async def handle_call(call: ActiveCall) -> None:
            await call.answer()
            async with open_voice(call) as voice:
                with voice.backdrop(FLAT):
                    await trio.sleep(5)
                    if is_talking:
                        await call.send_audio(said)
                    began_at = trio.current_time()
                    await getattr(call, command)()
                    lasted = trio.current_time() - began_at
                    # What is on the way of the backdrop, and what a goodbye waits beyond its end.
                    assert lasted <= (1.0 + 0.06 + 0.1 if is_talking else 0.05)
                    assert call.state is CallState.DISCONNECTED

        async with trio.open_nursery() as nursery:
            await nursery.start(serve_calls, handle_call, simulator.config)
            call = simulator.place_call()
            await call.wait_ended()
            nursery.cancel_scope.cancel()
        assert simulator.violations == []
        assert speech_seconds(call.caller.heard) == (1.0 if is_talking else 0)
        if is_talking:
            assert not clicks(under(call.caller.heard, said))

    @pytest.mark.parametrize("frames", range(12))
    async def test_a_hangup_at_any_frame(self, simulator: Simulator, frames: int) -> None:
        async with answered(simulator) as scene:
            said = scene.voice.speech(speech(1, 0.1))
            with scene.voice.backdrop(FLAT):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(said.say)
                    await trio.sleep((frames + 0.3) * FRAME_SECONDS)
                    scene.simulated.caller.hang_up()
                await scene.call.wait_disconnected()
                await trio.sleep(1)
        assert said.outcome is not None
        heard = speech_seconds(scene.simulated.agent_said)
        assert abs(said.outcome.heard_seconds - heard) <= ONE_FRAME

    async def test_after_a_hangup_it_does_nothing(self, simulator: Simulator) -> None:
        async with answered(simulator) as scene:
            scene.simulated.caller.hang_up()
            await scene.call.wait_disconnected()
            with scene.voice.backdrop(FLAT):
                await trio.sleep(1)

    @pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03, 0.07, 0.5])
    async def test_whoever_is_cancelled(self, simulator: Simulator, seconds: float) -> None:
        async with answered(simulator) as scene:
            with trio.move_on_after(seconds) as scope, scene.voice.backdrop(FLAT):
                await trio.sleep_forever()
            assert scope.cancelled_caught
            await trio.sleep(0.2)
            assert levels(scene.simulated.caller.heard)[-3:] == [0.0] * 3
            with scene.voice.backdrop(FLAT):
                await scene.voice.say(speech(1, 0.2))
        assert not clicks(under(scene.simulated.caller.heard, speech(1, 0.2)))


class TestEars:
    """Whoever is to hear the agent hears it."""

    async def test_in_each_mode(self, simulator: Simulator) -> None:
        async with answered(simulator, answers(after_seconds=1)) as scene:
            caller, callee = scene.simulated.caller, scene.simulated.callee
            with scene.voice.backdrop(FLAT):
                await scene.call.connect()
                # While the phone rings, it is for the caller.
                assert levels(caller.heard)[10:40] == [1.0] * 30
                for command, ears in (
                    (scene.call.whisper, (0.0, 1.0)),
                    (scene.call.spy, (0.0, 0.0)),
                    (scene.call.barge, (1.0, 1.0)),
                ):
                    began_at = trio.current_time()
                    await command()
                    # Nothing was said that it would have to wait for.
                    assert trio.current_time() - began_at <= ONE_FRAME
                    await trio.sleep(0.5)
                    assert (levels(caller.heard)[-1], levels(callee.heard)[-1]) == ears

    async def test_speech_is_for_those_to_whom_it_is_said(self, simulator: Simulator) -> None:
        async with answered(simulator, answers(after_seconds=0.1)) as scene:
            caller, callee = scene.simulated.caller, scene.simulated.callee
            with scene.voice.backdrop(FLAT):
                await scene.call.connect()
                await trio.sleep(0.5)
                await scene.call.send_audio(speech(1, 0.5))
                await scene.call.whisper()
                await scene.voice.say(speech(2, 0.5))
                assert speech_seconds(caller.heard) == 0.5
                assert not clicks(under(caller.heard, speech(1, 0.5)))
                assert speech_seconds(callee.heard) == 1.0

    async def test_what_a_mode_holds_back_leaves_it_alone(self, simulator: Simulator) -> None:
        async with answered(simulator, answers(after_seconds=3)) as scene:
            with scene.voice.backdrop(FLAT):
                await trio.sleep(0.2)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(scene.call.connect)
                    await trio.sleep(0.1)
                    nursery.start_soon(scene.voice.say, speech(1, 10))
                await trio.sleep(0.5)
                assert 2.7 < speech_seconds(scene.simulated.caller.heard) < 3.1
                assert not speech_seconds(scene.simulated.callee.heard)
                assert levels(scene.simulated.callee.heard)[-1] == 1.0
