"""Patience with threads, by the clock on the wall.

Virtual time leaps while nothing but a thread works: two seconds of it pass before a thread has
begun.
"""

from __future__ import annotations

import time
from typing import Final

import trio

#: So often the clock is looked at.
_LOOK_SECONDS: Final = 0.05


async def cancel_after_real_seconds(scope: trio.CancelScope, seconds: float) -> None:
    """Cancel a scope when so much time has passed, whatever Trio's clock says.

    Cancellation: the scope is not cancelled then.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # noqa: ASYNC110  # nothing tells of that clock
        await trio.sleep(_LOOK_SECONDS)
    scope.cancel()
