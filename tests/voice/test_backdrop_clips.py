"""What may be heard behind what the agent says, and what may not."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
import trio

from tests.support.backdrops import (
    FLAT,
    FULL,
    levels,
)
from tests.support.phone_calls import speech
from tests.support.voice_agents import FRAME, RATE, answered
from tests.support.wires import on_one_wire
from trio_calls.audio import to_pcm, write_wav
from trio_calls.simulator import Simulator
from trio_calls.voice import SpeechEnding, open_voice

pytestmark = on_one_wire

FRAME_SECONDS = 0.02
ONE_FRAME = FRAME_SECONDS + 1e-6


@pytest.mark.parametrize("rate", [8000, 24_000, 44_100])
@pytest.mark.parametrize("kind", ["pcm", "file"])
async def test_at_any_rate(simulator: Simulator, rate: int, kind: str, tmp_path: Path) -> None:
    clip = to_pcm(np.full(2 * rate, 10 * FULL, np.int16))
    write_wav(tmp_path / "office.wav", clip, rate)
    async with answered(simulator) as scene:
        play = functools.partial(scene.voice.backdrop, clip, sample_rate=rate)
        if kind == "file":
            play = functools.partial(scene.voice.backdrop, tmp_path / "office.wav")
        with play():
            # Virtual time does not wait for the thread that reads it.
            async for _ in scene.call.audio_stream():
                if any(scene.simulated.caller.heard[-FRAME:]):
                    break
            await trio.sleep(0.5)
        heard = levels(scene.simulated.caller.heard)
    assert heard[-20:-3] == pytest.approx([1.0] * 17, abs=0.05)


async def test_what_changes_later_does_not_change_it(simulator: Simulator) -> None:
    clip = np.full(RATE, 10 * FULL, np.int16)
    async with answered(simulator) as scene:
        with scene.voice.backdrop(clip):
            clip[:] = 0
            await trio.sleep(2)
        assert levels(scene.simulated.caller.heard)[-20:-5] == [1.0] * 15


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, FileNotFoundError, "office.wav"),
        (b"text", ValueError, "office.wav"),
        (0.05, ValueError, "at the least"),
    ],
)
async def test_a_file_of_no_use_cancels_the_block(
    simulator: Simulator,
    tmp_path: Path,
    content: bytes | float | None,
    error: type[Exception],
    words: str,
) -> None:
    path = tmp_path / "office.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        write_wav(path, bytes(round(content * RATE) * 2), RATE)
    async with answered(simulator) as scene:
        with pytest.raises(error, match=words), scene.voice.backdrop(path):
            await trio.sleep_forever()
        with scene.voice.backdrop(FLAT):
            assert (await scene.voice.say(speech(1, 0.1))).ending is SpeechEnding.HEARD


async def test_a_file_that_nobody_waits_for(simulator: Simulator, tmp_path: Path) -> None:
    async with answered(simulator) as scene:
        with scene.voice.backdrop(tmp_path / "none.wav"):
            pass
        with pytest.raises(KeyError), scene.voice.backdrop(tmp_path / "none.wav"):
            raise KeyError


@pytest.mark.parametrize(
    ("clip", "error", "words"),
    [
        ("office.wav", TypeError, r"pathlib\.Path"),
        (None, TypeError, "not NoneType"),
        (np.zeros(RATE, np.float32), TypeError, "floats"),
        (b"", ValueError, "0.1 s at the least"),
        (FLAT[:4798], ValueError, "0.1 s at the least"),
        (FLAT[:-1], ValueError, "even number"),
    ],
)
async def test_it_is_refused(
    simulator: Simulator, clip: object, error: type[Exception], words: str
) -> None:
    async with answered(simulator) as scene:
        with pytest.raises(error, match=words):
            scene.voice.backdrop(clip)  # type: ignore[arg-type]


@pytest.mark.parametrize("gain", [-0.1, 1.1, float("nan"), "loud", True, None])
async def test_no_gain(simulator: Simulator, gain: object) -> None:
    async with answered(simulator) as scene:
        with pytest.raises(ValueError, match="gain must be a number from 0 to 1"):
            scene.voice.backdrop(FLAT, gain=gain)  # type: ignore[arg-type]


async def test_one_at_a_time(simulator: Simulator) -> None:
    async with answered(simulator) as scene, open_voice(scene.call) as other:
        first = scene.voice.backdrop(FLAT)
        with first:
            with (
                pytest.raises(RuntimeError, match="has a backdrop already"),
                other.backdrop(FLAT),
            ):
                pass
            await trio.sleep(0.5)
            assert levels(scene.simulated.caller.heard)[-1] == 1.0
        with pytest.raises(RuntimeError), first:
            pass
        with other.backdrop(FLAT):
            pass


async def test_a_closed_voice_plays_nothing(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        async with open_voice(scene.call) as voice:
            pass
        with pytest.raises(RuntimeError, match="this voice was closed"):
            voice.backdrop(FLAT)


@pytest.mark.parametrize("kind", ["pcm", "file"])
async def test_a_voice_that_is_closed_before_its_block(
    simulator: Simulator, kind: str, tmp_path: Path
) -> None:
    write_wav(tmp_path / "office.wav", FLAT, RATE)
    async with answered(simulator) as scene:
        async with open_voice(scene.call) as voice:
            backdrop = voice.backdrop(FLAT if kind == "pcm" else tmp_path / "office.wav")
        with pytest.raises(RuntimeError, match="this voice was closed"), backdrop:
            raise AssertionError("the block is entered")
        # The call has no backdrop, and may have another.
        with scene.voice.backdrop(FLAT):
            await trio.sleep(1)
        assert levels(scene.simulated.caller.heard)[-20:-5] == [1.0] * 15


async def test_a_clip_that_was_emptied_before_its_block(simulator: Simulator) -> None:
    clip = bytearray(FLAT)
    async with answered(simulator) as scene:
        backdrop = scene.voice.backdrop(clip)
        clip.clear()
        with pytest.raises(ValueError, match="at the least"), backdrop:
            raise AssertionError("the block is entered")
        with scene.voice.backdrop(FLAT):
            await trio.sleep(1)
        assert levels(scene.simulated.caller.heard)[-20:-5] == [1.0] * 15
