"""Recorded speech, cut out of a call by each detector that is built in."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import trio

from tests.support.sounds import speech
from tests.support.voice_agents import RATE, answered
from tests.support.wires import on_one_wire
from trio_calls.audio import duration_seconds, find
from trio_calls.simulator import Simulator
from trio_calls.voice import (
    Detector,
    LevelDetector,
    SileroBatch,
    SileroDetector,
    WebRtcDetector,
)

pytestmark = on_one_wire


def batched() -> Detector:
    return SileroBatch().detector()


@pytest.mark.parametrize(
    "detector",
    [
        *(LevelDetector, functools.partial(LevelDetector, 8000)),
        *(WebRtcDetector, functools.partial(WebRtcDetector, sample_rate=48000)),
        *(SileroDetector, functools.partial(SileroDetector, 8000), batched),
    ],
    ids=["level", "level-8k", "webrtc", "webrtc-48k", "silero", "silero-8k", "silero-batch"],
)
async def test_what_was_said_is_one_utterance(
    simulator: Simulator, detector: Callable[[], Detector]
) -> None:
    said = speech("please_hold", RATE)
    async with answered(simulator, detector=detector) as scene:
        utterances = scene.voice.utterances()
        await trio.sleep(1)
        await scene.simulated.caller.say(said)
        said_at = trio.current_time()
        utterance = await anext(utterances)
        waited = trio.current_time() - said_at
    match = find(said, utterance.pcm)
    assert match.correlation > 0.99
    # From a little before it to the pause after it, give or take a detector's own delay.
    assert 0.1 < match.offset_samples / RATE < 0.5
    assert 0.3 < waited < 1.0
    assert duration_seconds(len(utterance.pcm), RATE) < duration_seconds(len(said), RATE) + 1.5
