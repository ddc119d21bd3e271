"""The loudness of audio, and whether and where a recording contains a signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from trio_calls.audio._pcm import to_samples

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm

_FULL_SCALE = 32768
_NEGLIGIBLE_ENERGY_RATIO = 1e-3
_ROUNDING = 1e-10


@frozen
class Match:
    """The place where a recording resembles a signal the most, and how much."""

    correlation: float
    """From -1 (the signal upside down) over 0 (nothing in common) to 1 (the signal itself)."""

    offset_samples: int
    """Samples from the start of the recording to the start of the resemblance."""


def level_dbfs(pcm: Pcm) -> float:
    """Return the loudness of audio.

    Args:
        pcm: mono signed 16-bit little-endian audio.

    Returns:
        The root mean square in dB relative to full scale. A full-scale square wave has 0, a
        full-scale sine about -3, silence and no audio at all have minus infinity.

    Raises:
        ValueError: the number of bytes is odd.
    """
    samples = to_samples(pcm).astype(np.float64)
    energy = float(samples @ samples)
    if energy == 0:
        return -math.inf
    return 10 * math.log10(energy / samples.size / _FULL_SCALE**2)


def find(needle: Pcm, haystack: Pcm) -> Match:
    """Find where a recording resembles a signal the most, by normalized cross-correlation.

    How loud the signal arrives does not matter, as each stretch of the recording is weighed by its
    own energy. A stretch with less than a thousandth of the needle's energy (30 dB below it) counts
    as silence and has correlation 0, so that a noise floor resembles nothing.

    Args:
        needle: the signal to look for; mono signed 16-bit little-endian audio.
        haystack: the recording to search, in the same format. If it is shorter than the needle,
            silence is added to its end.

    Returns:
        The greatest correlation and its place, the first of several that are equal; correlation 0
        at offset 0 if the needle is silent.

    Raises:
        ValueError: the number of bytes of either is odd.
    """
    fits = correlations(needle, haystack)
    # Of places that are equal but for rounding it is the first, on every machine.
    offset = int(np.argmax(fits >= fits.max() - _ROUNDING))
    return Match(correlation=float(fits[offset]), offset_samples=offset)


def correlations(needle: Pcm, haystack: Pcm) -> NDArray[np.float64]:
    """Return how much each stretch of a recording resembles a signal, as `find` weighs it.

    Args:
        needle: the signal to look for; mono signed 16-bit little-endian audio.
        haystack: the recording to search, in the same format. If it is shorter than the needle,
            silence is added to its end.

    Returns:
        An array of shape (offsets,), from -1 to 1: one for every sample of the recording at which
        the needle could begin without reaching beyond the end.

    Raises:
        ValueError: the number of bytes of either is odd.
    """
    wanted = to_samples(needle).astype(np.float64)
    recording = to_samples(haystack).astype(np.float64)
    missing = max(0, wanted.size - recording.size)
    recording = np.pad(recording, (0, missing))
    found = np.zeros(recording.size - wanted.size + 1)
    wanted_energy = float(wanted @ wanted)
    # Most of a call is silence, and to notice that is quicker than to correlate it.
    if wanted_energy == 0 or not recording.any():
        return found

    energies = _window_energies(recording, wanted.size)
    audible = energies >= _NEGLIGIBLE_ENERGY_RATIO * wanted_energy
    products = _sliding_products(wanted, recording)
    found[audible] = products[audible] / np.sqrt(wanted_energy * energies[audible])
    return found.clip(-1.0, 1.0)


def _window_energies(recording: NDArray[np.float64], window_size: int) -> NDArray[np.float64]:
    # Squares of 16-bit samples are integers far below 2**53, so these running sums are exact.
    running = np.concatenate(([0.0], np.cumsum(recording**2)))
    return running[window_size:] - running[:-window_size]


def _sliding_products(
    wanted: NDArray[np.float64], recording: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Only offsets at which the needle fits are kept, and at those a circular correlation of the
    # recording's own size does not wrap.
    size = 1 << (recording.size - 1).bit_length()
    spectrum = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(wanted, size))
    return np.fft.irfft(spectrum, size)[: recording.size - wanted.size + 1]
