"""Calling something at a time that is put off, or brought forward, while it is waited for."""

from __future__ import annotations

from collections.abc import Callable

import trio


class Alarm:
    """Calls a function when it is due. There is one task for it, and none while nothing is due.

    Args:
      ring: called then. Must neither wait nor raise. It may set the alarm again.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        # Of the task that waits, while there is one.
        self._waiting: trio.CancelScope | None = None

    def set(self, nursery: trio.Nursery, due: float) -> None:
        """Ring at that time, rather than at the one that was told before.

        Args:
          nursery: runs the task that waits, if there is none.
          due: when, in Trio's time.
        """
        if self._waiting is None:
            self._waiting = trio.CancelScope()
            nursery.start_soon(self._wait, self._waiting)
        if self._waiting.deadline != due:
            self._waiting.deadline = due

    def stop(self) -> None:
        """Do not ring, unless it is set again."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel()

    async def _wait(self, waiting: trio.CancelScope) -> None:
        with waiting:
            await trio.sleep_forever()
        if self._waiting is waiting:
            self._waiting = None
            self._ring()
