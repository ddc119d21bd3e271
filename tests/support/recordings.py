"""Looking at recordings of calls."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np


def channels_of(path: Path) -> list[bytes]:
    """Return the channels of a WAV file, whose header must be right."""
    with wave.open(str(path)) as file:
        count, frames = file.getnchannels(), file.getnframes()
        pcm = file.readframes(frames)
        assert file.getsampwidth() == 2
    assert len(pcm) == frames * count * 2
    assert path.stat().st_size == 44 + len(pcm)
    samples = np.frombuffer(pcm, "<i2").reshape(-1, count)
    return [samples[:, channel].tobytes() for channel in range(count)]


def first_sound(pcm: bytes) -> int:
    """Return the position of the first sample that is not silence."""
    return int(np.flatnonzero(np.frombuffer(pcm, "<i2"))[0])
