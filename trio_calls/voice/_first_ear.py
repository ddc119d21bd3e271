"""Telling that there is any sound at all, for next to nothing. Pure.

Every frame of a call is looked at while the agent can be interrupted. numpy, which a process with
many calls finds cold each time, would take six times as long as a look at some of the bytes.
"""

from __future__ import annotations

import math
from typing import Final

from trio_calls.audio import FRAME_SECONDS, SAMPLE_BYTES
from trio_calls.voice._noise_floor import LOWEST_LEVEL, NoiseFloor

#: The more significant byte of every fourth sample.
_LOOKED_AT: Final = slice(SAMPLE_BYTES - 1, None, 4 * SAMPLE_BYTES)

#: Of that byte, the magnitude, from 0 to 127: that of -1 is 0, as that of 0 is.
_MAGNITUDES: Final = bytes(min(byte, 255 - byte) for byte in range(256))

#: Voices have peaks so far above their level, in dB.
_CREST_DB: Final = 12.0

#: The level of what has a peak of this magnitude, in dBFS.
_LEVELS: Final = (
    LOWEST_LEVEL,
    *(20 * math.log10((magnitude + 0.5) / 128) - _CREST_DB for magnitude in range(1, 128)),
)

#: So far above the noise of the line it is a sound, in dB.
_SOUND_DB: Final = 13.0


class FirstEar:
    """Tells a sound from the noise of the line, to which it adapts, by its peak.

    Args:
      sample_rate: of the stream, in Hz.

    Attributes:
      sample_rate: of the stream, in Hz.
      window_samples: how many samples each `feed` takes: 20 ms.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate: Final = sample_rate
        self.window_samples: Final = round(sample_rate * FRAME_SECONDS)
        self._floor: Final = NoiseFloor()

    def feed(self, pcm: bytes) -> bool:
        """Return whether there is a sound in the next window."""
        peak = max(pcm[_LOOKED_AT].translate(_MAGNITUDES))
        if not peak and self._floor.is_lowest:
            # Silence after silence, as most of a call is.
            return False
        level = _LEVELS[peak]
        return level - self._floor.follow(level) > _SOUND_DB
