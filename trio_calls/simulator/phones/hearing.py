"""Whether somebody at a telephone hears anything, frame by frame. Pure."""

from __future__ import annotations

import math
from typing import Final

from trio_calls.audio import FRAME_SECONDS, level_dbfs

#: A frame counts as a sound from this level on. Speech is some 30 dB louder.
AUDIBLE_DBFS: Final = -50.0

#: Seconds are often a little more than the frames that they mean.
_ROUNDING: Final = 1e-6


def is_audible(frame: bytes) -> bool:
    """Return whether a frame is a sound, rather than silence or a faint noise."""
    return level_dbfs(frame) >= AUDIBLE_DBFS


class SilenceMeter:
    """Tells when nothing has been heard for so long.

    Args:
      seconds: how long, rounded up to whole frames, of which one is the least.
    """

    def __init__(self, seconds: float) -> None:
        self._wanted = max(1, math.ceil(seconds / FRAME_SECONDS - _ROUNDING))
        self._silent = 0

    def hear(self, frame: bytes) -> bool:
        """Take the next frame of 20 ms, and return whether the silence has lasted long enough."""
        self._silent = 0 if is_audible(frame) else self._silent + 1
        return self._silent >= self._wanted
