"""How many calls a worker may let ring whose handlers fail before they have answered. Pure.

A worker on which every call fails at once is free again at once, so that it would win the race for
nearly every call beside workers that talk. So it stops to claim for a while, as a circuit breaker
does::

    any number ── 3 failures in a row ──► none, for 1 s, then 2, 4, … 60 s ──► one at a time
        ▲                                              ▲                          │      │
        │                                              └──── it has failed, too ──┘      │
        └──────────────────────── it was answered, or given up on purpose ───────────────┘
"""

from __future__ import annotations

import math
from typing import Final

#: So many failures in a row are no accident.
FAILURES_IN_A_ROW: Final = 3
FIRST_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 60.0


class FailingHandlers:
    """Counts failures in a row, and says how many calls may ring.

    Attributes:
      failures: how many there were since a call went well.
    """

    def __init__(self) -> None:
        self.failures: int = 0
        self._next_pause: float
        self._resumes_at: float
        self.went_well()

    def failed(self, now: float) -> float | None:
        """Note that a call's handler failed before it had answered.

        A failure during a pause is that of a call which was claimed before, and prolongs nothing.

        Args:
          now: the time, in seconds.

        Returns:
          How long no call is to be claimed from now on, if a pause begins with this.
        """
        self.failures += 1
        if self.failures < FAILURES_IN_A_ROW or now < self._resumes_at:
            return None
        pause = self._next_pause
        self._resumes_at = now + pause
        self._next_pause = min(2 * pause, MAX_PAUSE_SECONDS)
        return pause

    def went_well(self) -> None:
        """Note that a call was answered, or connected, or given up on purpose."""
        self.failures = 0
        self._next_pause = FIRST_PAUSE_SECONDS
        self._resumes_at = -math.inf

    @property
    def strain(self) -> float:
        """What the failures count for beside calls over capacity: 1 when there are too many."""
        return min(self.failures / FAILURES_IN_A_ROW, 1.0)

    def room(self, now: float) -> float:
        """Return how many calls may ring here, or be claimed, at once.

        Args:
          now: the time, in seconds.
        """
        if self.failures < FAILURES_IN_A_ROW:
            return math.inf
        return 0 if now < self._resumes_at else 1
