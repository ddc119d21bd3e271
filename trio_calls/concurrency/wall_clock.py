"""Patience with threads, by the clock on the wall.

Virtual time leaps while nothing but a thread works: two seconds of it pass before a thread has
begun. And while the event loop is blocked, a thread may have finished, and nobody hears of it.
"""

from __future__ import annotations

import time
from typing import Final

import trio

#: So often the clock is looked at.
_LOOK_SECONDS: Final = 0.05


async def cancel_after_real_seconds(scope: trio.CancelScope, seconds: float) -> None:
    """Cancel a scope when so much time has passed, whatever Trio's clock says.

    Of a time for which the event loop is blocked, hardly anything counts.

    Cancellation: the scope is not cancelled then.
    """
    left, looked_at = seconds, time.monotonic()
    while left > 0:
        await trio.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        left -= min(now - looked_at, 2 * _LOOK_SECONDS)
        looked_at = now
    scope.cancel()
