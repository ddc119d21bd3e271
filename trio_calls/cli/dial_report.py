"""The progress of the calls of ``trio-calls dial``, and the summary of their results."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from trio_calls.cli.conversation import SpokenLine
from trio_calls.cli.dial_order import Result

_REFRESH_SECONDS: Final = 0.25


class CallCounter:
    """Counts the calls that are over, and shows the count as a progress bar on a terminal."""

    def __init__(self, calls: int) -> None:
        self._console = Console()
        # Without auto_refresh: rich would start a thread for it.
        self._progress = Progress(
            TextColumn("{task.completed:.0f} of {task.total:.0f} calls over"),
            BarColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=calls, failed=0)
        self._failed = 0

    def add(self, result: Result) -> None:
        """Count a call that is over, by its result."""
        self._failed += result.failure is not None
        self._progress.update(self._task, advance=1, failed=self._failed)

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show the bar while the block runs, if the output is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with self._progress:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._refresh)
                yield
                nursery.cancel_scope.cancel()

    async def _refresh(self) -> None:
        while True:
            self._progress.refresh()
            await trio.sleep(_REFRESH_SECONDS)


def print_summary(results: Sequence[Result], lines: Sequence[SpokenLine] = ()) -> None:
    """Print the results: totals, the seconds to the answer, and what went otherwise than asked.

    Args:
      results: of each call.
      lines: what each caller was to say.
    """
    failures = [
        (number, result.failure)
        for number, result in enumerate(results, start=1)
        if result.failure is not None
    ]
    calls = "1 call" if len(results) == 1 else f"{len(results)} calls"
    answered = len(results) - len(failures)
    print(f"{calls}: {answered} answered, {len(failures)} failed")
    waits = [result.answered_after for result in results if result.answered_after is not None]
    if waits:
        print(
            f"seconds to answer: min {min(waits):.2f}, median {statistics.median(waits):.2f}, "
            f"max {max(waits):.2f}"
        )
    for number, result in enumerate(results, start=1):
        if result.failure is None and result.lines_said < len(lines):
            unsaid = ", ".join(line.speech.name for line in lines[result.lines_said :])
            print(f"call {number} was over before the caller had said {unsaid}")
    for number, failure in failures:
        print(f"✗ call {number}: {failure}")
