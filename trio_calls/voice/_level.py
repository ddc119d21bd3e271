"""Telling speech by how far it stands out of the noise. Takes nothing but numpy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trio_calls.audio import FRAME_SECONDS
from trio_calls.config import is_number
from trio_calls.voice._detector import check_window, checked_rate
from trio_calls.voice._noise_floor import LOWEST_LEVEL, NoiseFloor

_FULL_SCALE_POWER: Final = 32768.0**2

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
        self._floor: Final = NoiseFloor()

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
        above = level - self._floor.follow(level)
        return 1 / (1 + math.exp((self._speech_db - above) / _SLOPE_DB))

    def _level(self, pcm: bytes) -> float:
        """Return the level in dBFS, of what changes: a constant offset cannot be heard."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        mean = float(samples.dot(self._ones)) / self._window_samples
        power = float(samples.dot(samples)) / self._window_samples - mean * mean
        if power < 1:
            return LOWEST_LEVEL
        return max(LOWEST_LEVEL, 10 * math.log10(power / _FULL_SCALE_POWER))
