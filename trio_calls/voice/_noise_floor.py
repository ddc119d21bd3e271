"""The noise of a line, to which whoever listens gets used. Knows levels, and no audio."""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import Final

from trio_calls.audio import FRAME_SECONDS

#: The floor is never lower, in dBFS: what is softer than a quiet line no telephone makes audible.
LOWEST_LEVEL: Final = -60.0
#: Where a stream begins in noise or in speech, the floor is taken for this at first, at the most.
_FIRST_FLOOR: Final = -45.0

#: The floor follows sounds down to them with this time constant,
_FALL_SECONDS: Final = 0.1
#: once they have been softer for so many windows, so that lost packets are no floor;
_FALL_WINDOWS: Final = 3
#: and up to them at this rate in dB per second, as voices of many people and traffic are noise,
_RISE_RATE: Final = 3.0
#: but with this time constant to sounds that do not change: tones, hum, fans.
_STEADY_RISE_SECONDS: Final = 0.06
#: Whose level stays within so many dB,
_STEADY_DB: Final = 1.5
#: for so long. Syllables are shorter.
_STEADY_SECONDS: Final = 0.24

#: So near to the lowest level the floor is as good as there, in dB.
_NOTHING_DB: Final = 0.1


class NoiseFloor:
    """The level of the noise in a stream, followed in steps of 20 ms."""

    def __init__(self) -> None:
        self._recent: Final[deque[float]] = deque(maxlen=round(_STEADY_SECONDS / FRAME_SECONDS))
        self._floor: float | None = None

    @property
    def is_lowest(self) -> bool:
        """Whether there is no noise: another silent step changes nothing that matters."""
        return self._floor is not None and self._floor < LOWEST_LEVEL + _NOTHING_DB

    def follow(self, level: float) -> float:
        """Let the floor follow the level of the next 20 ms, in dBFS.

        Returns:
            The floor as it was before, in dBFS.
        """
        floor = min(level, _FIRST_FLOOR) if self._floor is None else self._floor
        recent = self._recent
        recent.append(level)
        lately = max(islice(reversed(recent), _FALL_WINDOWS))
        if lately < floor:
            change = (lately - floor) * _FALL
        elif len(recent) == recent.maxlen and max(recent) - min(recent) < _STEADY_DB:
            change = (level - floor) * _STEADY_RISE
        else:
            change = min(max(level - floor, 0), _RISE)
        self._floor = floor + change
        return floor


def _share(seconds: float) -> float:
    """Return what a window contributes to a value that follows with this time constant."""
    return 1 - math.exp(-FRAME_SECONDS / seconds)


_FALL: Final = _share(_FALL_SECONDS)
_STEADY_RISE: Final = _share(_STEADY_RISE_SECONDS)
_RISE: Final = _RISE_RATE * FRAME_SECONDS
