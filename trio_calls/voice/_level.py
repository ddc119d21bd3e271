"""Telling speech by how far it stands out of the noise. Takes nothing but numpy."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import Final

import numpy as np

from trio_calls.audio import FRAME_SECONDS
from trio_calls.config import is_number
from trio_calls.voice._detector import check_window, checked_rate

_FULL_SCALE_POWER: Final = 32768.0**2

#: The floor is never lower, in dBFS: what is softer than a quiet line no telephone makes audible.
_LOWEST_FLOOR: Final = -60.0
#: Where a stream begins in noise or in speech, the floor is taken for this at first, at the most.
_FIRST_FLOOR: Final = -45.0

#: The floor follows sounds down to them with this time constant,
_FALL_SECONDS: Final = 0.1
#: once they have been softer for so many windows, so that lost packets are no floor;
_FALL_WINDOWS: Final = 3
#: and up to them at this rate in dB per second, as voices of many people and traffic are noise,
_RISE_RATE: Final = 3.0
#: but with this time constant to sounds that do not change: tones, hum, fans.
_STEADY_RISE_SECONDS: Final = 0.06
#: Whose level stays within so many dB,
_STEADY_DB: Final = 1.5
#: for so long. Syllables are shorter.
_STEADY_SECONDS: Final = 0.24

#: How soon the probability goes from nothing to certainty, in dB.
_SLOPE_DB: Final = 2.5


class LevelDetector:
    """Takes for speech what is louder than the noise of the line, to which it adapts.

    It costs next to nothing and needs no extra. It tells a voice from silence, from noise, and from
    steady tones, to which it gets used within half a second. It takes for speech whatever else
    comes and goes: music, key tones, a slammed door.

    Args:
        sample_rate: the rate of the audio that it is fed, in Hz. A window has 20 ms.
        speech_db: how many dB above the noise a sound is as likely speech as not.

    Raises:
        ValueError: the rate is below 1000 Hz, or ``speech_db`` is not from 3 to 40.
    """

    def __init__(self, sample_rate: int = 16000, *, speech_db: float = 10.0) -> None:
        self._sample_rate: Final = checked_rate(sample_rate)
        if not is_number(speech_db, 3, 40):
            raise ValueError(f"speech_db must be a number of dB from 3 to 40, not {speech_db!r}")
        self._speech_db: Final = speech_db
        self._window_samples: Final = round(sample_rate * FRAME_SECONDS)
        self._ones: Final = np.ones(self._window_samples, np.float32)
        self._recent: Final[deque[float]] = deque(maxlen=round(_STEADY_SECONDS / FRAME_SECONDS))
        self._floor: float | None = None

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is fed, in Hz."""
        return self._sample_rate

    @property
    def window_samples(self) -> int:
        """How many samples each `feed` takes: 20 ms."""
        return self._window_samples

    def feed(self, pcm: bytes) -> float:
        """Return how likely it is that somebody speaks in the next window.

        Args:
            pcm: 20 ms of mono signed 16-bit little-endian audio.

        Returns:
            The probability, from 0 to 1. It grows with the level above the noise.

        Raises:
            ValueError: ``pcm`` is not one window.
        """
        check_window(pcm, self._window_samples, self._sample_rate)
        level = self._level(pcm)
        floor = self._adapted_floor(level)
        return 1 / (1 + math.exp((self._speech_db - (level - floor)) / _SLOPE_DB))

    def _level(self, pcm: bytes) -> float:
        """Return the level in dBFS, of what changes: a constant offset cannot be heard."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        mean = float(samples.dot(self._ones)) / self._window_samples
        power = float(samples.dot(samples)) / self._window_samples - mean * mean
        if power < 1:
            return _LOWEST_FLOOR
        return max(_LOWEST_FLOOR, 10 * math.log10(power / _FULL_SCALE_POWER))

    def _adapted_floor(self, level: float) -> float:
        """Return the floor as it was before this level, and let it follow."""
        floor = min(level, _FIRST_FLOOR) if self._floor is None else self._floor
        recent = self._recent
        recent.append(level)
        lately = max(islice(reversed(recent), _FALL_WINDOWS))
        if lately < floor:
            change = (lately - floor) * _FALL
        elif len(recent) == recent.maxlen and max(recent) - min(recent) < _STEADY_DB:
            change = (level - floor) * _STEADY_RISE
        else:
            change = min(max(level - floor, 0), _RISE)
        self._floor = floor + change
        return floor


def _share(seconds: float) -> float:
    """Return what a window contributes to a value that follows with this time constant."""
    return 1 - math.exp(-FRAME_SECONDS / seconds)


_FALL: Final = _share(_FALL_SECONDS)
_STEADY_RISE: Final = _share(_STEADY_RISE_SECONDS)
_RISE: Final = _RISE_RATE * FRAME_SECONDS
