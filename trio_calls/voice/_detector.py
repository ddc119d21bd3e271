"""What a detector of speech is, and how any function becomes one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from trio_calls.audio import FRAME_SECONDS, SAMPLE_BYTES
from trio_calls.voice._errors import DetectorError

#: Below this, nobody could tell speech from noise, and a window would be no whole sample.
_LEAST_SAMPLE_RATE: Final = 1000


class Detector(Protocol):
    """Tells how likely it is that somebody speaks. Each detector belongs to one stream of audio.

    A detector does no I/O. Whoever listens cuts the stream into windows, at the rate that the
    detector wants, and feeds them in order, the next one after the answer to the one before.
    """

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is fed, in Hz."""

    @property
    def window_samples(self) -> int:
        """How many samples each `feed` takes."""

    def feed(self, pcm: bytes, /) -> float | Awaitable[float]:
        """Return how likely it is that somebody speaks in the next window of the stream.

        May be a plain or an asynchronous method. A plain one must not block.

        Args:
            pcm: one window, ``window_samples`` samples of mono signed 16-bit little-endian audio.

        Returns:
            The probability, from 0 to 1.
        """


class FunctionDetector:
    """Makes a detector of a function.

    Args:
        function: takes one window as mono signed 16-bit little-endian PCM, and returns the
            probability that somebody speaks in it, from 0 to 1; True and False will do. It may be
            an asynchronous function.
        sample_rate: the rate of the audio that it is given, in Hz.
        window_seconds: how much audio it is given each time, rounded to a whole sample.

    Raises:
        TypeError: ``function`` cannot be called.
        ValueError: the rate is below 1000 Hz, or a window would have no sample.
    """

    def __init__(
        self,
        function: Callable[[bytes], float | Awaitable[float]],
        sample_rate: int = 16000,
        window_seconds: float = FRAME_SECONDS,
    ) -> None:
        if not callable(function):
            raise TypeError(f"a detector is made of a function, not of {_shown(function)}")
        self._function: Final = function
        self._sample_rate: Final = checked_rate(sample_rate)
        self._window_samples: Final = round(window_seconds * sample_rate)
        if self._window_samples < 1:
            raise ValueError(f"window_seconds must come to a sample or more, not {window_seconds}")

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is fed, in Hz."""
        return self._sample_rate

    @property
    def window_samples(self) -> int:
        """How many samples each `feed` takes."""
        return self._window_samples

    def feed(self, pcm: bytes) -> float | Awaitable[float]:
        """Return what the function says of the next window.

        Args:
            pcm: one window of mono signed 16-bit little-endian audio.

        Returns:
            The probability, from 0 to 1; of an asynchronous function, what to await for it.

        Raises:
            ValueError: ``pcm`` is not one window.
            DetectorError: the function raised an exception, or returned no probability.
        """
        check_window(pcm, self._window_samples, self._sample_rate)
        return _told_by(self._function, pcm)

    def __repr__(self) -> str:
        return f"FunctionDetector({_name_of(self._function)})"


def make_detector(factory: Callable[[], Any]) -> Detector:
    """Make the detector of one stream, and look at what was made.

    Args:
        factory: returns a `Detector`, or a function of PCM that becomes a `FunctionDetector`.

    Raises:
        DetectorError: it raised an exception, or returned something else.
        ModuleNotFoundError: it needs an extra that is not installed.
    """
    _check_takes_nothing(factory)
    try:
        made = factory()
    except (DetectorError, ModuleNotFoundError):
        raise
    except Exception as error:
        raise DetectorError(f"{_name_of(factory)} made no detector: {_told(error)}") from error
    if not hasattr(made, "feed") and callable(made):
        return FunctionDetector(made)
    if not callable(getattr(made, "feed", None)):
        raise DetectorError(f"{_name_of(factory)} returned {_shown(made)}, which has no feed()")
    for name in ("sample_rate", "window_samples"):
        size = getattr(made, name, None)
        if not isinstance(size, int) or size < 1:
            raise DetectorError(
                f"{_name_of(factory)} returned {_shown(made)}, "
                f"whose {name} is {_shown(size)} and no whole number from 1"
            )
    detector: Detector = made
    return detector


def _check_takes_nothing(factory: Callable[..., Any]) -> None:
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise DetectorError(
            f"{_name_of(factory)} is called without arguments, to make a detector, and wants some. "
            "If it is itself the function of PCM, give lambda: followed by its name"
        ) from error
    except ValueError:
        # Of some that are written in C nobody knows.
        return


async def probability_of_speech(detector: Detector, pcm: bytes) -> float:
    """Feed one window to any detector, and return its probability, from 0 to 1.

    Raises:
        DetectorError: the detector raised an exception, or returned no probability.

    Cancellation: as the detector's. Is no checkpoint where the detector's ``feed`` is plain.
    """
    probability = _told_by(detector.feed, pcm)
    return probability if isinstance(probability, float) else await probability


def checked_rate(sample_rate: int) -> int:
    """Return the rate.

    Raises:
        ValueError: it is no whole number, or below 1000 Hz.
    """
    if type(sample_rate) is not int or sample_rate < _LEAST_SAMPLE_RATE:
        raise ValueError(
            f"sample_rate must be a whole number of Hz from {_LEAST_SAMPLE_RATE}, "
            f"not {sample_rate!r}"
        )
    return sample_rate


def check_window(pcm: object, window_samples: int, sample_rate: int) -> None:
    """Check that this is one window.

    Raises:
        ValueError: it is not.
    """
    wanted = window_samples * SAMPLE_BYTES
    if isinstance(pcm, bytes | bytearray) and len(pcm) == wanted:
        return
    got = f"{len(pcm)} bytes" if isinstance(pcm, bytes | bytearray) else type(pcm).__name__
    raise ValueError(
        f"a window is {window_samples} samples of 16-bit PCM ({wanted} bytes, "
        f"{1000 * window_samples / sample_rate:g} ms at {sample_rate} Hz), not {got}"
    )


def _told_by(
    function: Callable[[bytes], float | Awaitable[float]], pcm: bytes
) -> float | Awaitable[float]:
    try:
        answer = function(pcm)
    except DetectorError:
        raise
    except Exception as error:
        raise _failure(function, error) from error
    # Fifty times a second and call: what is mostly returned, before what takes longer to tell.
    if type(answer) is float and 0 <= answer <= 1:
        return answer
    if isinstance(answer, Awaitable):
        return _told_later(function, answer)
    return _checked(answer, function)


async def _told_later(function: object, answer: Awaitable[float]) -> float:
    try:
        probability = await answer
    except DetectorError:
        raise
    except Exception as error:
        raise _failure(function, error) from error
    return _checked(probability, function)


def _checked(probability: object, function: object) -> float:
    try:
        number = math.nan if isinstance(probability, str | bytes) else float(probability)  # type: ignore[arg-type]  # may be numpy's
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= 1:
        raise DetectorError(
            f"{_name_of(function)} returned {_shown(probability)}, "
            "which is no probability from 0 to 1"
        )
    return number


def _failure(function: object, error: Exception) -> DetectorError:
    return DetectorError(f"{_name_of(function)} failed: {_told(error)}")


def _shown(value: object) -> str:
    """Return a value for an error: what is no number may be audio, or anything."""
    if value is None or isinstance(value, int | float):
        return repr(value)
    return f"a value of type {type(value).__name__}"


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _name_of(function: object) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
