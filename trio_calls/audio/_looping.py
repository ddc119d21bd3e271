"""A clip that goes on for ever."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray


class LoopedClip:
    """A clip that begins again where it ends, without a click.

    The last samples of the clip and its first ones are faded into each other. So from the second
    time on it begins with that seam, and is shorter by it.

    Args:
        samples: an array of shape (samples,), which is not copied. Longer than two seams.
        seam_samples: how long the seam is.
    """

    def __init__(self, samples: NDArray[np.int16], seam_samples: int) -> None:
        self._samples: Final = samples
        self._period: Final = len(samples) - seam_samples
        rising = (np.arange(seam_samples) + 0.5) / seam_samples
        seam = samples[:seam_samples] * rising + samples[self._period :] * (1 - rising)
        self._seam: Final = np.rint(seam).astype(np.int16)

    def read(self, start: int, size: int) -> NDArray[np.int16]:
        """Return samples from a place on, which counts from the first beginning."""
        pieces = []
        while size:
            piece = self._piece_at(start)[:size]
            pieces.append(piece)
            start += len(piece)
            size -= len(piece)
        return np.concatenate(pieces) if pieces else self._seam[:0]

    def _piece_at(self, start: int) -> NDArray[np.int16]:
        """Return what comes next, up to a place where something else is to be read."""
        rounds, place = divmod(start, self._period)
        if rounds and place < len(self._seam):
            return self._seam[place:]
        return self._samples[place : self._period]
