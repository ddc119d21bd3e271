"""What holds for every detector: the windows that it takes, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sounds import probabilities, speech
from trio_calls.audio import silence
from trio_calls.voice import (
    Detector,
    FunctionDetector,
    LevelDetector,
    SileroBatch,
    SileroDetector,
    WebRtcDetector,
)
from trio_calls.voice._detector import probability_of_speech

pytestmark = pytest.mark.pure


def half(pcm: bytes) -> float:
    return 0.5


DETECTORS: Final[dict[str, Callable[[], Detector]]] = {
    "level": LevelDetector,
    "level at 8 kHz": lambda: LevelDetector(8000),
    "function": lambda: FunctionDetector(half),
    "function of 30 ms": lambda: FunctionDetector(half, 8000, window_seconds=0.03),
    "WebRTC's": WebRtcDetector,
    "WebRTC's at 8 kHz": lambda: WebRtcDetector(0, 8000),
    "Silero's": SileroDetector,
    "Silero's at 8 kHz": lambda: SileroDetector(8000),
    "Silero's for many": lambda: SileroBatch().detector(),
}
every_detector = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS.keys())


@every_detector
@pytest.mark.parametrize("extra_bytes", [-2, -1, 1, 2, 1000])
def test_a_window_of_another_length_is_refused(
    make: Callable[[], Detector], extra_bytes: int
) -> None:
    detector = make()
    size = 2 * detector.window_samples + extra_bytes
    with pytest.raises(ValueError, match=rf"a window is .* samples .* Hz\), not {size} bytes"):
        detector.feed(bytes(size))


@every_detector
@pytest.mark.parametrize("pcm", [b"", "0" * 640, [0.0] * 320, None])
def test_what_is_no_window_is_refused(make: Callable[[], Detector], pcm: bytes) -> None:
    with pytest.raises(ValueError, match="a window is"):
        make().feed(pcm)


@every_detector
async def test_a_refused_window_changes_nothing(make: Callable[[], Detector]) -> None:
    detector, undisturbed = make(), make()
    said = speech("greeting", detector.sample_rate)[: detector.sample_rate]
    told: list[float] = []
    for start in range(0, len(said), 2 * detector.window_samples):
        with pytest.raises(ValueError, match="a window is"):
            detector.feed(b"\1" * 7)
        told += await probabilities(detector, said[start : start + 2 * detector.window_samples])
    assert told == await probabilities(undisturbed, said)


@every_detector
async def test_every_answer_is_a_probability(make: Callable[[], Detector]) -> None:
    detector = make()
    loud = b"\x00\x80" * detector.sample_rate + b"\xff\x7f" * detector.sample_rate
    sounds = silence(0.3, detector.sample_rate) + loud + speech("goodbye", detector.sample_rate)
    told = await probabilities(detector, sounds)
    assert {type(probability) for probability in told} == {float}
    assert 0 <= min(told) <= max(told) <= 1


@every_detector
async def test_two_streams_do_not_disturb_each_other(make: Callable[[], Detector]) -> None:
    one, other, alone = make(), make(), make()
    size = 2 * one.window_samples
    said = speech("greeting", one.sample_rate)[: 20 * size]
    told: list[float] = []
    for start in range(0, len(said), size):
        told += await probabilities(one, said[start : start + size])
        await probabilities(other, b"\x00\x60\x00\x90" * one.window_samples)
    assert told == await probabilities(alone, said)


@pytest.mark.slow
@every_detector
@given(data=st.data())
def test_any_audio_may_come(make: Callable[[], Detector], data: st.DataObject) -> None:
    detector = make()
    size = 2 * detector.window_samples
    for _ in range(data.draw(st.integers(1, 5))):
        pcm = data.draw(st.binary(min_size=size, max_size=size))
        answer = trio.run(probability_of_speech, detector, pcm)
        assert 0 <= answer <= 1


@pytest.mark.parametrize("rate", [0, -8000, 999, 8000.0, "8000", None, True])
def test_a_rate_that_makes_no_sense_is_refused(rate: int) -> None:
    for make in (LevelDetector, lambda rate: FunctionDetector(half, rate)):
        with pytest.raises(ValueError, match="sample_rate must be a whole number of Hz from 1000"):
            make(rate)
