"""A recording as a page shows it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

#: How many heights there are, for a lane that is half as many pixels high.
HEIGHTS: Final = 48


@attrs.frozen(eq=False)
class Sound:
    """A recording, made fit for a page.

    Attributes:
      start: when its first sample was, in seconds on the voice's clock.
      seconds: how long it is.
      peaks: for each channel an array of shape (buckets,): the largest amplitude in each of the
        equal parts that the recording is divided into, from 0 to 32768. Channels are those of the
        file: each leg that the agent heard, and last the agent.
      source: the address that a browser plays it from.
      is_embedded: whether that address holds all of it.
    """

    start: float
    seconds: float
    peaks: Sequence[NDArray[np.int32]] = attrs.field(repr=False)
    source: str = attrs.field(repr=False)
    is_embedded: bool = True

    def loudness(self, channel: int, start: float, end: float) -> float:
        """Return how loud a channel is from one time to another, added up over its buckets."""
        peaks = self.peaks[channel]
        scale = len(peaks) / self.seconds
        first, last = (max(0, round((at - self.start) * scale)) for at in (start, end))
        return float(peaks[first:last].sum())


def outline(peaks: NDArray[np.int32], loudest: int) -> str:
    """Return the upper half of a waveform, as the data of a path.

    It is as wide as there are peaks, from 0, and at the most `HEIGHTS` high, upwards from 0.
    Silence is a thin line.

    Args:
      peaks: amplitudes, of shape (buckets,).
      loudest: the amplitude that is drawn at full height.
    """
    heights = np.clip(np.rint(peaks * (HEIGHTS / loudest)), 1, HEIGHTS).astype(int)
    steps = (f"V-{height}h{len(list(run))}" for height, run in groupby(heights.tolist()))
    return f"M0 0{''.join(steps)}V0z"
