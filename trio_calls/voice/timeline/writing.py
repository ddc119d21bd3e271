"""Writing a timeline to a file while it happens."""

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
from trio_calls.voice._disk_writer import DiskWriter, reason_of
from trio_calls.voice._errors import TimelineError
from trio_calls.voice.timeline.blotting import Blotter
from trio_calls.voice.timeline.json_lines import to_line
from trio_calls.voice.timeline.line_file import LineFile
from trio_calls.voice.timeline.records import Record
from trio_calls.voice.timeline.timeline import MAX_RECORDS, Timeline

logger = get_logger("trio_calls.timeline")

#: So many records may wait for the disk.
MAX_WAITING: Final = 10 * MAX_RECORDS


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


class TimelineWriter(DiskWriter[LineFile, Record]):
    """Writes the records that are there, and those that come. Of a failure `check` tells.

    Args:
      timeline: whose records they are.
      path: the file.
      show_numbers: leave telephone numbers in.
    """

    def __init__(
        self, timeline: Timeline, path: str | os.PathLike[str], *, show_numbers: bool
    ) -> None:
        super().__init__(
            LineFile(path),
            MAX_WAITING,
            too_slow="the disk is too slow",
            too_many=f"more than {MAX_WAITING} records wait: the disk is too slow, "
            "or a task adds them and lets no other run",
        )
        self._timeline = timeline
        self._path = os.fspath(path)
        numbers = [timeline.opened.caller_number, timeline.opened.callee_number]
        self._blotter = None if show_numbers else Blotter(numbers)
        self._failure: tuple[str, BaseException | None] | None = None

    async def open(self) -> None:
        """Open the file.

        Raises:
          TimelineError: it cannot be written.
        """
        try:
            await self._file.open()
        # A ValueError where no file can have that name.
        except (OSError, ValueError, RuntimeError) as error:
            raise TimelineError(f"cannot write {self._path}: {reason_of(error)}") from error
        self._waiting.extend(self._timeline.records)
        self._timeline.watch(self.put)

    async def run(self) -> None:
        """Write until `finish`, and the rest. Raises nothing: see `check`."""
        try:
            await super().run()
        finally:
            self._timeline.unwatch(self.put)

    def finish(self) -> None:
        """Write the rest, and end within some time. Never waits."""
        self._timeline.unwatch(self.put)
        super().finish()

    def check(self) -> None:
        """Raise `TimelineError` if not everything was written."""
        if self._failure is not None:
            reason, cause = self._failure
            raise TimelineError(f"cannot write {self._path} any further: {reason}") from cause

    async def _write_some(self) -> None:
        records, self._waiting = self._waiting, deque()
        await self._file.write(partial(self._lines, records))

    def _lines(self, records: deque[Record]) -> bytes:
        if self._blotter is not None:
            return b"".join(to_line(self._blotter.blot(record)) for record in records)
        return b"".join(map(to_line, records))

    def _fail(self, reason: str, cause: Exception | None = None) -> None:
        # Without where it was raised: that knows the call.
        self._failure = reason, cause and cause.with_traceback(None)
        logger.error(
            "call %s: cannot write its timeline any further: %s: %s",
            self._timeline.opened.call_id,
            self._path,
            reason,
        )
