"""The one sample format of the package, mono signed 16-bit little-endian, and its arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio._as_bytes import as_bytes

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm

SAMPLE_BYTES = 2
"""The size of one sample, in bytes."""

FRAME_SECONDS = 0.02
"""The duration of one frame, the unit in which telephony moves audio, in seconds."""


def frame_bytes(sample_rate: int) -> int:
    """Return the size of one 20 ms frame.

    Args:
        sample_rate: samples per second, in Hz.

    Returns:
        The size in bytes, always a whole number of samples (960 at 24 kHz).
    """
    return round(sample_rate * FRAME_SECONDS) * SAMPLE_BYTES


def duration_seconds(pcm_byte_count: int, sample_rate: int) -> float:
    """Return how long an amount of audio plays.

    Args:
        pcm_byte_count: the amount of audio, in bytes.
        sample_rate: samples per second, in Hz.

    Returns:
        The duration in seconds.

    Raises:
        ValueError: the byte count is odd, and so not a whole number of samples.
    """
    _check_whole_samples(pcm_byte_count)
    return pcm_byte_count / SAMPLE_BYTES / sample_rate


def to_samples(pcm: Pcm) -> NDArray[np.int16]:
    """Return audio as an array of samples, without copying it.

    Args:
        pcm: mono signed 16-bit little-endian audio: bytes, or an array of 16-bit integers.

    Returns:
        An array of shape (samples,) that shares the memory of `pcm`; read-only for `bytes`.

    Raises:
        TypeError: items that are neither bytes nor signed 16-bit integers in that order.
        ValueError: half a sample, more than one dimension, or gaps between the samples.
    """
    return np.frombuffer(as_bytes(pcm), dtype="<i2")


def to_pcm(samples: NDArray[np.int16]) -> bytes:
    """Convert an array of samples to audio.

    Args:
        samples: an array of shape (samples,).

    Returns:
        Mono signed 16-bit little-endian audio, two bytes for each sample.

    Raises:
        TypeError: the array's type has values that do not fit into 16 bits.
    """
    return samples.astype("<i2", casting="safe", copy=False).tobytes()


def silence(seconds: float, sample_rate: int) -> bytes:
    """Make digital silence.

    Args:
        seconds: the duration, rounded to the nearest whole sample.
        sample_rate: samples per second, in Hz.

    Returns:
        Mono signed 16-bit little-endian audio, all zeros.

    Raises:
        ValueError: the duration is negative.
    """
    return bytes(round(seconds * sample_rate) * SAMPLE_BYTES)


def _check_whole_samples(pcm_byte_count: int) -> None:
    if pcm_byte_count % SAMPLE_BYTES:
        raise ValueError(
            f"{pcm_byte_count} bytes of audio are no whole number of {SAMPLE_BYTES}-byte samples"
        )
