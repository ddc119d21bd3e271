"""A recording holds what the telephones heard and said."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.recordings import channels_of, first_sound
from tests.support.voice_agents import FRAME, RATE, answered, loudness, seconds_of, sounds
from tests.support.wires import on_one_wire
from trio_calls import ActiveCall, AudioMode, serve_calls
from trio_calls.simulator import Simulator, answers, jitter
from trio_calls.voice import Recording, RecordingError, Voice, open_voice

FRAME_SAMPLES = FRAME // 2


def without_silence(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, "<i2")
    return bytes(samples[samples != 0])


async def test_both_sides_are_on_one_clock(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator) as scene:
        caller = scene.simulated.caller
        async with scene.voice.record(path), trio.open_nursery() as nursery:
            nursery.start_soon(caller.say, speech(2, 2.0))
            await trio.sleep(0.7)
            await scene.voice.say(speech(1, 1.0))
            await trio.sleep(1)
        said, heard = bytes(caller.said), bytes(caller.heard)
    left, right = channels_of(path)
    assert left.strip(b"\0") == speech(2, 2.0)
    assert right.strip(b"\0") == speech(1, 1.0)
    # As far apart as on the telephone, which plays whole frames, to a frame.
    apart = first_sound(right) - first_sound(left)
    assert abs(apart - (first_sound(heard) - first_sound(said))) <= FRAME_SAMPLES


@pytest.mark.parametrize("jitter_seconds", [0.05, 0.3])
async def test_jitter_moves_nothing(
    simulator: Simulator, tmp_path: Path, jitter_seconds: float
) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator) as scene:
        caller = scene.simulated.caller
        async with scene.voice.record(path):
            await trio.sleep(1)
            simulator.inject(jitter(seconds=jitter_seconds))
            for second in range(5):
                caller.say_nowait(speech(10 + second, 0.5))
                await scene.voice.say(speech(20 + second, 1.0))
                await trio.sleep(0.313)
            await trio.sleep(jitter_seconds)
        said = bytes(caller.said)
    left, right = channels_of(path)
    assert left.strip(b"\0") == said.strip(b"\0")
    # Where the exchange has waited for it, so did the telephone.
    spoken = b"".join(speech(20 + second, 1.0) for second in range(5))
    assert without_silence(right) == without_silence(spoken)


async def test_a_call_that_rings_is_recorded_once_answered(
    simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    done = trio.Event()

    async def handle_call(call: ActiveCall) -> None:
        async with open_voice(call) as voice, voice.record(path) as recording:
            await trio.sleep(5)
            assert recording.start_seconds is None
            await call.answer()
            await voice.say(speech(1, 1.0))
            assert recording.start_seconds == pytest.approx(5, abs=0.1)
        done.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call()
        await call.wait_ended()
        await done.wait()
        nursery.cancel_scope.cancel()
    left, right = channels_of(path)
    assert sounds(right) == speech(1, 1.0)
    # Up to 60 ms longer where the end of playing is estimated.
    assert 1 <= seconds_of(left) <= 1.12


async def test_it_begins_and_ends_in_mid_call(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator) as scene, trio.open_nursery() as nursery:
        nursery.start_soon(scene.simulated.caller.say, speech(2, 4.0))
        await trio.sleep(1)
        async with scene.voice.record(path) as recording:
            assert recording.path == path
            await trio.sleep(2)
        assert recording.seconds == pytest.approx(2, abs=0.03)
        await trio.sleep(2)
    left, right = channels_of(path)
    assert speech(2, 4.0)[48_000 - FRAME * 2 :].find(left) >= 0
    assert not any(right)


async def test_several_at_once(simulator: Simulator, tmp_path: Path) -> None:
    paths = [tmp_path / "one.wav", tmp_path / "two.wav"]
    async with (
        answered(simulator) as scene,
        scene.voice.record(paths[0]),
        scene.voice.record(str(paths[1])),
    ):
        scene.simulated.caller.say_nowait(speech(2, 1.0))
        await scene.voice.say(speech(1, 1.0))
        await trio.sleep(0.2)
    assert channels_of(paths[0]) == channels_of(paths[1])
    assert sounds(channels_of(paths[0])[1]) == speech(1, 1.0)


async def test_two_calls_into_one_file(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator) as scene:
        async with scene.voice.record(path):
            await scene.voice.say(speech(1, 1.0))
            with pytest.raises(RecordingError, match=r"call.wav: another recording is being made"):
                async with scene.voice.record(path):
                    raise AssertionError("it is opened")
        assert sounds(channels_of(path)[1]) == speech(1, 1.0)
        async with scene.voice.record(path):
            await scene.voice.say(speech(3, 1.0))
    assert sounds(channels_of(path)[1]) == speech(3, 1.0)


async def test_each_leg_has_a_channel(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    settings = {"audio_mode": AudioMode.ISOLATED}
    async with (
        answered(simulator, answers(after_seconds=1), settings) as scene,
        scene.voice.record(path),
    ):
        await scene.call.connect()
        scene.simulated.caller.say_nowait(speech(2, 1.0))
        scene.simulated.callee.say_nowait(speech(3, 1.0))
        await scene.voice.say(speech(1, 1.0))
        await trio.sleep(0.5)
    caller, callee, agent = channels_of(path)
    assert sounds(caller) == speech(2, 1.0)
    assert sounds(callee) == speech(3, 1.0)
    assert sounds(agent) == speech(1, 1.0)
    assert first_sound(caller) == first_sound(callee)


@pytest.mark.parametrize("frames", range(0, 40))
async def test_what_was_interrupted_is_not_there(
    simulator: Simulator, tmp_path: Path, frames: int
) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator) as scene:
        async with scene.voice.record(path):
            await trio.sleep(0.1)
            with trio.move_on_after(frames * 0.02 + 0.01):
                await scene.voice.say(speech(1, 0.5))
            await trio.sleep(0.1)
            await scene.voice.say(speech(3, 0.3))
        heard = sounds(scene.simulated.caller.heard)
    _left, right = channels_of(path)
    recorded = np.frombuffer(right, "<i2")
    # What is cut stops in the middle of a frame, and the telephone plays whole ones.
    assert abs(np.count_nonzero(recorded) - len(heard) // 2) <= 2 * FRAME_SAMPLES
    first = right.strip(b"\0").removesuffix(speech(3, 0.3).rstrip(b"\0")).rstrip(b"\0")
    assert speech(1, 0.5).startswith(first)
    assert right.rstrip(b"\0").endswith(speech(3, 0.3).rstrip(b"\0"))


@pytest.mark.parametrize("frames", range(0, 60))
async def test_a_hangup_at_any_frame_leaves_all_of_it(
    simulator: Simulator, tmp_path: Path, frames: int
) -> None:
    path = tmp_path / "call.wav"
    recordings: list[Recording] = []
    done = trio.Event()

    async def handle_call(call: ActiveCall) -> None:
        async with open_voice(call) as voice, voice.record(path) as recording:
            recordings.append(recording)
            await call.answer()
            await voice.say(speech(1, 3.0))
        done.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call()
        await call.caller.wait_talking()
        call.caller.say_nowait(speech(2, 3.0))
        await trio.sleep((frames + 1.5) * 0.02)
        call.caller.hang_up()
        await call.wait_ended()
        await done.wait()
        nursery.cancel_scope.cancel()
    left, right = channels_of(path)
    assert recordings[0].failure is None
    assert left.strip(b"\0") == bytes(call.agent_heard).strip(b"\0")
    heard = sounds(call.caller.heard)
    assert speech(1, 3.0).startswith(sounds(right[: len(right) // FRAME * FRAME]))
    assert abs(seconds_of(sounds(right)) - seconds_of(heard)) <= 0.041


async def test_its_beginning_is_on_the_clock_of_the_voice(
    simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    async with answered(simulator, detector=loudness) as scene:
        utterances = scene.voice.utterances()
        await trio.sleep(1.234)
        async with scene.voice.record(path) as recording:
            await trio.sleep(0.5)
            await scene.simulated.caller.say(speech(2, 1.0))
            utterance = await anext(utterances)
            assert recording.start_seconds is not None
            begins = first_sound(channels_of(path)[0]) / RATE + recording.start_seconds
        lead = first_sound(utterance.pcm) / RATE
        assert begins == pytest.approx(utterance.start_seconds + lead, abs=0.002)


@pytest.mark.parametrize("kind", [Exception, trio.Cancelled])
async def test_what_ends_the_block_loses_nothing(
    simulator: Simulator, tmp_path: Path, kind: type[BaseException]
) -> None:
    path = tmp_path / "call.wav"

    async def fail(voice: Voice) -> None:
        async with voice.record(path):
            await voice.say(speech(1, 1.0))
            if kind is Exception:
                raise LookupError
            scope.cancel()
            await trio.sleep_forever()

    async with answered(simulator) as scene:
        with trio.CancelScope() as scope:
            if kind is Exception:
                with pytest.raises(LookupError):
                    await fail(scene.voice)
            else:
                await fail(scene.voice)
    assert sounds(channels_of(path)[1]) == speech(1, 1.0)


@pytest.mark.slow
@on_one_wire  # minutes take seconds
async def test_both_line_up_after_minutes(
    simulator: Simulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "call.wav"
    minutes = 3
    async with answered(simulator) as scene:
        caller = scene.simulated.caller
        async with scene.voice.record(path) as recording:
            for minute in range(minutes):
                caller.say_nowait(speech(minute, 1.0))
                await scene.voice.say(speech(100 + minute, 1.0))
                await trio.sleep(59)
            # Nothing piles up.
            assert len(recording._tracks._agent.pcm) < 96_000
            assert len(recording._tracks._tracks[0].pcm) < 96_000
        said, heard = bytes(caller.said), bytes(caller.heard)
    left, right = channels_of(path)
    assert seconds_of(left) == pytest.approx(minutes * 60, abs=2)
    assert without_silence(left) == without_silence(said)
    assert without_silence(right) == without_silence(heard)
    # The last of what was said is as far from the last of what was heard as on the telephone.
    recorded = len(right.rstrip(b"\0")) - len(left.rstrip(b"\0"))
    assert abs(recorded - (len(heard.rstrip(b"\0")) - len(said.rstrip(b"\0")))) <= FRAME
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
