"""What agents say when they talk, whichever they are; no agent needs more for that than Python.

A sentence is one value, again and again, and the value is its number. So whoever hears a sample of
it knows which sentence it is from.
"""

from __future__ import annotations

import struct
from typing import Final

SAMPLE_RATE: Final = 16000

#: Longer than it takes anybody to be interrupted.
SENTENCE_SECONDS: Final = 8.0

#: From an interruption to the next sentence.
ANSWER_SECONDS: Final = 1.0

#: A text message of agents without a protocol: forget what was sent and not played.
CLEAR: Final = "clear"

_LOUDNESS: Final = 1000


def sentence(number: int) -> bytes:
    """Return the PCM of a sentence; its number is 1 or more."""
    return struct.pack("<h", _LOUDNESS + number) * round(SENTENCE_SECONDS * SAMPLE_RATE)


def number_of(sample: int) -> int:
    """Return the number of the sentence that a sample is from, or 0 if it is from none."""
    return max(0, sample - _LOUDNESS)
