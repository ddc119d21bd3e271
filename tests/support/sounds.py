"""Sounds that detectors are tried on: recorded speech, and what is no speech."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from trio_calls.audio import find, level_dbfs, mix, read_wav, silence, to_pcm, to_samples, tone
from trio_calls.voice import Detector
from trio_calls.voice._detector import probability_of_speech

SPEECH: Final = Path(__file__).resolve().parents[2] / "examples" / "speech"
SPEECH_NAMES: Final = sorted(path.stem for path in SPEECH.glob("*.wav"))

#: What a telephone of old lets through, in Hz.
TELEPHONE_BAND: Final = (300.0, 3400.0)


@functools.cache
def speech(name: str, sample_rate: int) -> bytes:
    """Return one of the recordings of the examples, at any rate."""
    recorded = to_samples(read_wav(SPEECH / f"{name}.wav", 24000))
    return to_pcm(soxr.resample(recorded, 24000, sample_rate))


def through_a_telephone(pcm: bytes, sample_rate: int) -> bytes:
    """Leave only what is within the telephone band."""
    samples = to_samples(pcm)
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(samples.size, 1 / sample_rate)
    low, high = TELEPHONE_BAND
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    filtered = np.fft.irfft(spectrum, samples.size)
    return to_pcm(np.rint(filtered).clip(-32768, 32767).astype(np.int16))


def mixed(one: bytes, other: bytes) -> bytes:
    """Return two sounds at the same time."""
    return to_pcm(mix(to_samples(one), to_samples(other)))


def key_tones(sample_rate: int) -> bytes:
    """Return the tones of three keys, each 0.1 s long and as far from the next."""
    keys = [(697, 1209), (770, 1336), (852, 1477)]
    pause = silence(0.1, sample_rate)
    return b"".join(
        mixed(tone(low, 0.1, sample_rate, 0.25), tone(high, 0.1, sample_rate, 0.25)) + pause
        for low, high in keys
    )


async def probabilities(detector: Detector, pcm: bytes) -> list[float]:
    """Feed audio to a detector, and return what it says of each whole window."""
    size = 2 * detector.window_samples
    starts = range(0, len(pcm) - size + 1, size)
    return [await probability_of_speech(detector, pcm[start : start + size]) for start in starts]


def share_of_speech(probabilities: Iterable[float]) -> float:
    """Return which part of the windows are more likely speech than not."""
    return float(np.mean([probability >= 0.5 for probability in probabilities]))


def share_heard(said: bytes, heard: bytes, sample_rate: int) -> float:
    """Return which part of some speech is in a recording, in pieces.

    A gap does not count: it is samples of 0, which are left out on both sides.
    """
    size = 2 * int(0.3 * sample_rate)
    said, heard = (to_pcm(samples[samples != 0]) for samples in map(to_samples, (said, heard)))
    pieces = [said[start : start + size] for start in range(0, len(said), size)]
    loud = [piece for piece in pieces if level_dbfs(piece) > -40]
    return sum(find(piece, heard).correlation > 0.9 for piece in loud) / len(loud)


def seconds_of_speech(detector: Detector, probabilities: Iterable[float]) -> float:
    """Return for how long a detector has taken for speech what it was fed."""
    windows = sum(probability >= 0.5 for probability in probabilities)
    return windows * detector.window_samples / detector.sample_rate
