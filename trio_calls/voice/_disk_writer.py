"""Writing what comes up in a call to the disk, for which the call never waits.

::

    put ──► the queue, bounded ──► a thread, when something waits ──► the file

What the disk does not take, or not soon enough, costs the file, and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Final, Generic, TypeVar

import trio

from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.concurrency.wall_clock import cancel_after_real_seconds
from trio_calls.voice._thread_file import ThreadFile

FileT = TypeVar("FileT", bound=ThreadFile)
ItemT = TypeVar("ItemT")

#: So long the disk may take for the rest, in the end.
LAST_SECONDS: Final = 2.0


class DiskWriter(ABC, Generic[FileT, ItemT]):
    """Writes what is put, in order.

    Args:
      file: into which it goes. It is closed in the end, whatever happens.
      max_waiting: how much may wait; with more, nothing further is written.
      too_slow: why, where the disk takes too long in the end.
      too_many: why, where too much waits.
    """

    def __init__(self, file: FileT, max_waiting: int, *, too_slow: str, too_many: str) -> None:
        self._file = file
        self._max_waiting = max_waiting
        self._too_slow = too_slow
        self._too_many = too_many
        self._waiting: deque[ItemT] = deque()
        self._has_too_many = False
        self._news = Wakeup()
        self._nursery: trio.Nursery | None = None
        self._is_finishing = False
        # The rest is written whoever is cancelled meanwhile, and for some time only.
        self._scope = trio.CancelScope(shield=True)

    @abstractmethod
    async def _write_some(self) -> None:
        """Write something of what waits, and take it out of there."""

    @abstractmethod
    def _fail(self, reason: str, cause: Exception | None = None) -> None:
        """Note that nothing more is written. Must neither wait nor raise."""

    async def _begin(self) -> None:
        """Write what is at the beginning of a file: nothing."""

    async def run(self) -> None:
        """Write until `finish`, and the rest. Raises nothing: see `_fail`.

        Cancellation: none from outside; `finish` and too much that waits end it.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    self._watch_finishing()
                    await self._write()
                    self._nursery.cancel_scope.cancel()
            if self._scope.cancelled_caught:
                self._fail(self._too_many if self._has_too_many else self._too_slow)
        finally:
            self._nursery = None
            self._waiting.clear()
            self._file.abandon()

    def put(self, item: ItemT) -> None:
        """Write something soon. Never waits."""
        self._waiting.append(item)
        self._news.wake()
        if len(self._waiting) > self._max_waiting:
            self._has_too_many = True
            self._scope.cancel()

    def finish(self) -> None:
        """Write the rest, and end within some time. Never waits."""
        self._is_finishing = True
        self._watch_finishing()
        self._news.wake()

    def _watch_finishing(self) -> None:
        if self._is_finishing and self._nursery is not None:
            self._nursery.start_soon(cancel_after_real_seconds, self._scope, LAST_SECONDS)

    async def _write(self) -> None:
        try:
            await self._begin()
            while self._waiting or not self._is_finishing:
                if self._waiting:
                    await self._write_some()
                else:
                    await self._news.wait()
            await self._file.close()
        # Whatever it is, it costs the file, and never the call.
        except Exception as error:
            self._fail(reason_of(error), error)


def reason_of(error: Exception) -> str:
    """Return what has gone wrong, without the name of the file."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
