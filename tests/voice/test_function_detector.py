"""Functions as detectors, and detectors that do not keep to what they promise."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import trio

from trio_calls import WSSError
from trio_calls.voice import DetectorError, FunctionDetector, LevelDetector
from trio_calls.voice._detector import make_detector, probability_of_speech

pytestmark = pytest.mark.pure

WINDOW = bytes(640)


def returns(answer: Any) -> FunctionDetector:
    return FunctionDetector(lambda pcm: answer)


@pytest.mark.parametrize("answer", [0, 1, 0.25, True, False, np.float32(0.25), np.bool_(True)])
async def test_any_number_from_0_to_1_is_a_probability(answer: float) -> None:
    told = returns(answer).feed(WINDOW)
    assert isinstance(told, float)
    assert told == float(answer)
    assert await probability_of_speech(returns(answer), WINDOW) == float(answer)


NONSENSE: list[Any] = [
    *(float("nan"), float("inf"), 2.0, -0.1, 1.0000001, np.float32("nan")),
    *("speech", "0.5", b"1", None, [], [0.5], {}, len, np.zeros(2)),
]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
async def test_anything_else_is_an_error(answer: object) -> None:
    with pytest.raises(DetectorError, match="which is no probability from 0 to 1"):
        returns(answer).feed(WINDOW)

    async def later(pcm: bytes) -> Any:
        await trio.lowlevel.checkpoint()
        return answer

    with pytest.raises(DetectorError, match=r"later returned .*, which is no probability"):
        await probability_of_speech(FunctionDetector(later), WINDOW)


def test_an_error_shows_numbers_and_nothing_that_may_be_audio() -> None:
    with pytest.raises(DetectorError, match="returned 2, which"):
        returns(2).feed(WINDOW)
    with pytest.raises(DetectorError, match="returned a value of type bytes, which"):
        returns(b"audio").feed(WINDOW)


def test_what_a_function_raises_is_the_cause() -> None:
    def broken(pcm: bytes) -> float:
        raise ZeroDivisionError("no samples")

    with pytest.raises(
        DetectorError, match="broken failed: ZeroDivisionError: no samples"
    ) as caught:
        FunctionDetector(broken).feed(WINDOW)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert isinstance(caught.value, WSSError)


async def test_so_it_is_of_an_asynchronous_one() -> None:
    async def broken(pcm: bytes) -> float:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    with pytest.raises(DetectorError, match="broken failed: ZeroDivisionError") as caught:
        await probability_of_speech(FunctionDetector(broken), WINDOW)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_program_passes(error: type[BaseException]) -> None:
    def interrupted(pcm: bytes) -> float:
        raise error

    with pytest.raises(error):
        FunctionDetector(interrupted).feed(WINDOW)


async def test_cancellation_passes_an_asynchronous_one() -> None:
    async def endless(pcm: bytes) -> float:
        await trio.sleep_forever()
        raise AssertionError

    with trio.move_on_after(0.01) as scope:
        await probability_of_speech(FunctionDetector(endless), WINDOW)
    assert scope.cancelled_caught


async def test_an_asynchronous_function_is_waited_for() -> None:
    async def patient(pcm: bytes) -> float:
        await trio.sleep(0.01)
        return len(pcm) / 1000

    assert await probability_of_speech(FunctionDetector(patient), WINDOW) == 0.64


def test_a_function_is_given_the_windows_it_asks_for() -> None:
    got: list[bytes] = []

    def note(pcm: bytes) -> float:
        got.append(pcm)
        return 0

    detector = FunctionDetector(note, 8000, window_seconds=0.03)
    assert (detector.sample_rate, detector.window_samples) == (8000, 240)
    detector.feed(b"\1\2" * 240)
    assert got == [b"\1\2" * 240]
    assert repr(detector).startswith("FunctionDetector(test_a_function")


@pytest.mark.parametrize("seconds", [0, -1, 0.00001])
def test_a_window_has_a_sample_or_more(seconds: float) -> None:
    with pytest.raises(ValueError, match="window_seconds must come to a sample or more"):
        FunctionDetector(len, window_seconds=seconds)


def test_what_cannot_be_called_is_no_function() -> None:
    with pytest.raises(TypeError, match=r"a detector is made of a function, not of 0\.5$"):
        FunctionDetector(0.5)  # type: ignore[arg-type]


class TestMaking:
    def test_a_class_makes_detectors(self) -> None:
        assert isinstance(make_detector(LevelDetector), LevelDetector)

    def test_with_settings(self) -> None:
        assert make_detector(partial(LevelDetector, 8000)).sample_rate == 8000

    def test_a_function_that_is_returned_becomes_one(self) -> None:
        detector = make_detector(lambda: lambda pcm: 0.5)
        assert isinstance(detector, FunctionDetector)
        assert detector.feed(WINDOW) == 0.5

    def test_a_detector_of_another_kind_is_left_as_it_is(self) -> None:
        own = SimpleNamespace(sample_rate=16000, window_samples=320, feed=lambda pcm: 1)
        assert make_detector(lambda: own) is own

    @pytest.mark.parametrize("made", [None, 0.5, "level", SimpleNamespace(feed=3)])
    def test_anything_else_is_refused(self, made: object) -> None:
        with pytest.raises(DetectorError, match=r"returned .*, which has no feed\(\)"):
            make_detector(lambda: made)

    @pytest.mark.parametrize("size", [None, 0, 16000.0])
    def test_so_are_sizes_that_make_no_sense(self, size: object) -> None:
        own = SimpleNamespace(sample_rate=size, window_samples=320, feed=lambda pcm: 1)
        with pytest.raises(DetectorError, match=r"whose sample_rate is .* no whole number"):
            make_detector(lambda: own)

    def test_what_a_factory_raises_is_the_cause(self) -> None:
        with pytest.raises(
            DetectorError, match="made no detector: ValueError: sample_rate"
        ) as caught:
            make_detector(partial(LevelDetector, 3))
        assert isinstance(caught.value.__cause__, ValueError)

    def test_a_missing_extra_is_told_as_it_is(self) -> None:
        def needs_an_extra() -> LevelDetector:
            raise ModuleNotFoundError("install the extra")

        with pytest.raises(ModuleNotFoundError, match="install the extra"):
            make_detector(needs_an_extra)


async def test_a_detector_of_another_kind_is_looked_at_too() -> None:
    own: Any = SimpleNamespace(sample_rate=16000, window_samples=320, feed=lambda pcm: 2)
    with pytest.raises(DetectorError, match="returned 2, which is no probability"):
        await probability_of_speech(own, WINDOW)
