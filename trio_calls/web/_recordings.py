"""Recordings of the calls that are over, as WAV files in memory. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import numpy as np

from trio_calls.audio import to_samples
from trio_calls.audio._wav_header import wav_header

#: How much of a call is recorded, the latest seconds.
KEEP_SECONDS: Final = 300.0

#: How much is kept of all calls, in bytes: four long ones.
MAX_BYTES: Final = 2**27


class Recordings:
    """The latest recordings, by name.

    Args:
      max_bytes: how much is kept. The oldest goes first.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def add(self, name: str, content: bytes) -> None:
        """Keep a file."""
        self._files[name] = content
        while sum(map(len, self._files.values())) > self._max_bytes:
            self._files.popitem(last=False)

    def get(self, name: str) -> bytes | None:
        """Return a file, or None if there is none, or no longer."""
        return self._files.get(name)


def stereo_wav(left: bytes, right: bytes, sample_rate: int) -> bytes:
    """Make a WAV file of two recordings of the same length."""
    both = np.stack([to_samples(left), to_samples(right)], axis=1)
    return wav_header(sample_rate, 2, both.nbytes) + both.tobytes()
