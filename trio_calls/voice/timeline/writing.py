"""Writing a timeline to a file while it happens.

::

    Timeline ──► the queue, bounded ──► a thread, when something waits ──► the file

The call never waits for the disk. What the disk does not take, or not soon enough, costs the
timeline: it ends there, and whoever asked for it is told.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.concurrency.wall_clock import cancel_after_real_seconds
from trio_calls.voice._errors import TimelineError
from trio_calls.voice.timeline.blotting import Blotter
from trio_calls.voice.timeline.json_lines import to_line
from trio_calls.voice.timeline.line_file import LineFile
from trio_calls.voice.timeline.records import Record
from trio_calls.voice.timeline.timeline import MAX_RECORDS, Timeline

logger = get_logger("trio_calls.timeline")

#: So many records may wait for the disk.
MAX_WAITING: Final = 10 * MAX_RECORDS

#: So long the disk may take for the rest, when the block is left.
LAST_SECONDS: Final = 2.0


@asynccontextmanager
async def write_timeline(
    timeline: Timeline, path: str | os.PathLike[str], *, show_numbers: bool
) -> AsyncIterator[None]:
    """Write a timeline while the block runs: see `Voice.write_timeline`."""
    writer = TimelineWriter(timeline, path, show_numbers=show_numbers)
    await writer.open()
    with plain_single_error():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            try:
                yield
            finally:
                writer.finish()
    writer.check()


class TimelineWriter:
    """Writes the records that are there, and those that come.

    Args:
      timeline: whose records they are.
      path: the file.
      show_numbers: leave telephone numbers in.
    """

    def __init__(
        self, timeline: Timeline, path: str | os.PathLike[str], *, show_numbers: bool
    ) -> None:
        self._timeline = timeline
        self._path = os.fspath(path)
        self._file = LineFile(path)
        numbers = [timeline.opened.caller_number, timeline.opened.callee_number]
        self._blotter = None if show_numbers else Blotter(numbers)
        self._waiting: deque[Record] = deque()
        self._news = Wakeup()
        self._nursery: trio.Nursery | None = None
        self._is_finishing = False
        self._failure: tuple[str, BaseException | None] | None = None
        self._slowness = "the disk is too slow"
        # The rest is written whoever is cancelled meanwhile, and for some time only.
        self._scope = trio.CancelScope(shield=True)

    async def open(self) -> None:
        """Open the file.

        Raises:
          TimelineError: it cannot be written.
        """
        try:
            await self._file.open()
        # A ValueError where no file can have that name.
        except (OSError, ValueError, RuntimeError) as error:
            raise TimelineError(f"cannot write {self._path}: {_reason(error)}") from error
        self._waiting.extend(self._timeline.records)
        self._timeline.watch(self._take)

    async def run(self) -> None:
        """Write until `finish`, and the rest. Raises nothing: see `check`."""
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    self._watch_finishing()
                    await self._write()
                    self._nursery.cancel_scope.cancel()
            if self._scope.cancelled_caught:
                self._fail(self._slowness)
        finally:
            self._nursery = None
            self._timeline.unwatch(self._take)
            self._waiting.clear()
            self._file.abandon()

    def finish(self) -> None:
        """Write the rest, and end within some time. Never waits."""
        self._timeline.unwatch(self._take)
        self._is_finishing = True
        self._watch_finishing()
        self._news.wake()

    def _watch_finishing(self) -> None:
        if self._is_finishing and self._nursery is not None:
            self._nursery.start_soon(cancel_after_real_seconds, self._scope, LAST_SECONDS)

    def check(self) -> None:
        """Raise `TimelineError` if not everything was written."""
        if self._failure is not None:
            reason, cause = self._failure
            raise TimelineError(f"cannot write {self._path} any further: {reason}") from cause

    async def _write(self) -> None:
        try:
            while self._waiting or not self._is_finishing:
                if self._waiting:
                    records, self._waiting = self._waiting, deque()
                    await self._file.write(partial(self._lines, records))
                else:
                    await self._news.wait()
            await self._file.close()
        # Whatever it is, it costs the timeline, and never the call.
        except Exception as error:
            self._fail(_reason(error), error)

    def _lines(self, records: deque[Record]) -> bytes:
        if self._blotter is not None:
            return b"".join(to_line(self._blotter.blot(record)) for record in records)
        return b"".join(map(to_line, records))

    def _take(self, record: Record) -> None:
        self._waiting.append(record)
        self._news.wake()
        if len(self._waiting) > MAX_WAITING:
            self._slowness = (
                f"more than {MAX_WAITING} records wait: the disk is too slow, "
                "or a task adds them and lets no other run"
            )
            self._scope.cancel()

    def _fail(self, reason: str, cause: Exception | None = None) -> None:
        # Without where it was raised: that knows the call.
        self._failure = reason, cause and cause.with_traceback(None)
        logger.error(
            "call %s: cannot write its timeline any further: %s: %s",
            self._timeline.opened.call_id,
            self._path,
            reason,
        )


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
