"""Test signals: a tone for people to recognise, and noise for programs to recognise."""

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio._pcm import to_pcm

_FULL_SCALE = np.iinfo(np.int16).max


def tone(frequency_hz: float, seconds: float, sample_rate: int, amplitude: float = 0.3) -> bytes:
    """Make a sine tone.

    Args:
        frequency_hz: the pitch of the tone, in Hz.
        seconds: the duration, rounded to the nearest whole sample.
        sample_rate: samples per second, in Hz.
        amplitude: the peak amplitude, from 0 (silence) to 1 (full scale).

    Returns:
        Mono signed 16-bit little-endian audio.

    Raises:
        ValueError: the amplitude is outside 0 to 1, or the duration is negative.
    """
    _check_amplitude(amplitude)
    times = np.arange(_sample_count(seconds, sample_rate)) / sample_rate
    return _quantized(amplitude * np.sin(2 * np.pi * frequency_hz * times))


def noise(seconds: float, sample_rate: int, seed: int, amplitude: float = 0.3) -> bytes:
    """Make white noise, which is the same whenever the seed is the same.

    Noise of two seeds does not correlate, and noise correlates with itself at one offset only. That
    makes it a fingerprint: a test that finds it knows whose audio it was and when it arrived.

    Args:
        seconds: the duration, rounded to the nearest whole sample.
        sample_rate: samples per second, in Hz.
        seed: the seed that the noise is made from; any integer from 0.
        amplitude: the peak amplitude, from 0 (silence) to 1 (full scale).

    Returns:
        Mono signed 16-bit little-endian audio.

    Raises:
        ValueError: the amplitude is outside 0 to 1, or the duration or the seed is negative.
    """
    _check_amplitude(amplitude)
    generator = np.random.default_rng(seed)
    count = _sample_count(seconds, sample_rate)
    return _quantized(generator.uniform(-amplitude, amplitude, count))


def _check_amplitude(amplitude: float) -> None:
    if not 0 <= amplitude <= 1:
        raise ValueError(f"an amplitude is between 0 and 1, not {amplitude}")


def _sample_count(seconds: float, sample_rate: int) -> int:
    if seconds < 0:
        raise ValueError(f"a duration is not negative, got {seconds} s")
    return round(seconds * sample_rate)


def _quantized(signal: NDArray[np.float64]) -> bytes:
    return to_pcm(np.rint(signal * _FULL_SCALE).astype(np.int16))
