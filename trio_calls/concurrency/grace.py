"""More time for what has to end well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio


async def run_with_grace(seconds: float, function: Callable[[], Awaitable[object]]) -> None:
    """Run a function that may go on for some seconds after its surroundings were cancelled.

    Cancellation: cancels the function `seconds` later, if it has not returned by then.
    """
    shield = trio.CancelScope(shield=True)

    async def hold_the_shield() -> None:
        try:
            await trio.sleep_forever()
        finally:
            shield.deadline = trio.current_time() + seconds

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold_the_shield)
        with shield:
            await function()
        nursery.cancel_scope.cancel()
