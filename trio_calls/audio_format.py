"""The format of a call's audio."""

from __future__ import annotations

import enum
from typing import Final, Literal, get_args

import attrs

SampleRate = Literal[8000, 16000, 24000]

#: The sample rates that a call can have, in Hz.
SAMPLE_RATES: Final[tuple[int, ...]] = get_args(SampleRate)


class AudioMode(enum.Enum):
    """How the exchange delivers a call's audio."""

    MIXED = "mixed"
    """Channel 0 only, with everybody but the agent mixed."""

    ISOLATED = "isolated"
    """Channel 0 as in `MIXED`, and channels 1, 2, … with one leg each."""


@attrs.frozen
class AudioFormat:
    """The audio of a call: always mono, signed 16-bit, little-endian PCM.

    Attributes:
      sample_rate: the number of samples a second, in Hz.
      mode: whether single legs come on channels of their own.
    """

    sample_rate: int = 24000
    mode: AudioMode = AudioMode.MIXED

    @property
    def bytes_per_second(self) -> int:
        """The size of one second of audio, in bytes."""
        return self.sample_rate * 2

    @property
    def frame_bytes(self) -> int:
        """The size of one 20 ms frame, in bytes."""
        return self.bytes_per_second // 50
