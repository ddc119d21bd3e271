"""How long to wait before a lost connection is made again."""

from __future__ import annotations

import random
from typing import Final

FIRST_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 10.0


class Backoff:
    """Full jitter: a random part of a time that doubles from failure to failure.

    So clients that lose the exchange at the same moment do not come back at the same moment.
    """

    def __init__(self) -> None:
        self._longest = FIRST_BACKOFF_SECONDS

    def next_delay(self, connected_seconds: float) -> float:
        """Return how long to wait now, in seconds.

        Args:
          connected_seconds: how long the lost connection was up; 0 if it never was. One that was
            not up for long is a failure like any other.
        """
        if connected_seconds > MAX_BACKOFF_SECONDS:
            self._longest = FIRST_BACKOFF_SECONDS
        delay = random.uniform(0, self._longest)
        self._longest = min(2 * self._longest, MAX_BACKOFF_SECONDS)
        return delay
