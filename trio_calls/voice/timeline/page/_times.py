"""Times and endings in words, and times as places on an axis. Pure."""

from __future__ import annotations

import math
from typing import Final

import attrs

from trio_calls.endings import EndCause, Ending
from trio_calls.voice.timeline.page._markup import short

#: Where marks of the axis may be, in seconds.
_STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS: Final = 12


def clock(seconds: float) -> str:
    """Write a time as ``1:02.3``, or ``1:00:02.3`` after an hour."""
    tenths = round(abs(seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    whole = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    sign = "\N{MINUS SIGN}" if seconds < 0 and tenths else ""
    return f"{sign}{whole}:{rest / 10:04.1f}"


def tick_label(seconds: float) -> str:
    """Write a time beside a mark of the axis, without a fraction of zero: ``1:02``."""
    return clock(seconds).removesuffix(".0")


def lasting(seconds: float) -> str:
    """Write how long something took: ``0.85 s``, ``12.3 s``, ``3 min 5 s``."""
    if seconds < 10:  # noqa: PLR2004  # so much that hundredths say nothing
        return f"{seconds:.2f} s"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def ending_words(cause: str) -> str:
    """Write how a call has ended: what the name of an `EndCause` stands for."""
    return str(Ending(EndCause[cause])) if cause in EndCause.__members__ else cause


@attrs.frozen
class Axis:
    """Where a time is, in per cent of the width of the page's lanes.

    Attributes:
      start: the time at its left end, in seconds.
      end: the time at its right end.
    """

    start: float
    end: float

    def x(self, at: float) -> str:
        """Return where a time is."""
        share = (at - self.start) / (self.end - self.start)
        return f"{short(100 * min(1.0, max(0.0, share)))}%"

    def width(self, start: float, end: float) -> str:
        """Return how wide a stretch of time is."""
        share = max(0.0, end - start) / (self.end - self.start)
        return f"{short(100 * min(1.0, share))}%"

    def ticks(self) -> list[float]:
        """Return times for a few marks, at round seconds."""
        length = self.end - self.start
        step = next((step for step in _STEPS if length / step <= _MOST_TICKS), length / _MOST_TICKS)
        first = math.ceil(self.start / step)
        return [index * step for index in range(first, math.floor(self.end / step) + 1)]
