"""Waiting in real time for what nothing announces."""

from collections.abc import Callable

import trio


async def until(condition: Callable[[], object], within_seconds: float = 10) -> None:
    """Wait until something is so: no longer than it takes, and long where a machine is busy."""
    with trio.fail_after(within_seconds):
        while not condition():  # noqa: ASYNC110 - see above
            await trio.sleep(0.02)


async def until_unchanged(measure: Callable[[], int], for_seconds: float = 0.3) -> int:
    """Wait until a number has not changed for so long, and return it."""
    with trio.fail_after(10 + for_seconds):
        while True:
            before = measure()
            await trio.sleep(for_seconds)
            if measure() == before:
                return before
