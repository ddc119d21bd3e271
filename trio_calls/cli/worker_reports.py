"""What the workers of a supervisor report of themselves, as one answer.

::

    whoever looks ──► WorkerReports.report() ──┬── "report!" ──► worker 1
                                               ├── "report!" ──► worker 2
         sum ◄── what has ended, and what lives ◄── a line of JSON each

Each worker is also asked once a second, though nobody looks: what it has counted is known when it
dies. One that has not answered in time is not waited for again, until it does. It counts with what
it has said last.

Invariants:

- A worker has one request at a time. One that is stuck does not fill its channel, over which it
  gets its signals, too.
- What a worker has counted is in one place: in its `ReportingWorker` while it lives, in `_ended`
  afterwards.
"""

from __future__ import annotations

import logging
from typing import Final

import trio

from trio_calls.cli.worker_channel import SupervisorEnd
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.telemetry._numbers import Numbers
from trio_calls.telemetry._reports import Report

logger = logging.getLogger(__name__)

#: How long a worker may take to answer. Prometheus waits for 10 s.
PATIENCE_SECONDS: Final = 2.0

#: So often each is asked.
ASKED_EVERY_SECONDS: Final = 1.0

#: A worker that has said nothing for so long takes no calls, whatever it has said last.
SILENT_SECONDS: Final = 10.0


class ReportingWorker:
    """What one worker says, from when it serves until it is gone.

    Attributes:
      number: its place among the workers.
      latest: what it has said last; None if nothing so far.
      heard_at: when that was, in Trio's time.
    """

    def __init__(self, number: int, channel: SupervisorEnd) -> None:
        self.number: int = number
        self.latest: Report | None = None
        self.heard_at: float = trio.current_time()
        self._channel = channel
        self._turn = trio.Lock()
        self._asked_at: float | None = None
        self._is_gone = False
        self._news = Wakeup()

    @property
    def is_stuck(self) -> bool:
        """Whether it has not answered in time, and not since."""
        if self._asked_at is None:
            return False
        return trio.current_time() - self._asked_at >= PATIENCE_SECONDS

    def received(self, line: bytes) -> None:
        """Take what it says."""
        try:
            self.latest = Report.from_line(line)
        except ValueError as error:
            logger.debug("worker %d: %s", self.number, error)
            return
        self.heard_at = trio.current_time()
        self._asked_at = None
        self._news.wake()

    def has_ended(self) -> None:
        """Note that it says nothing more."""
        self._is_gone = True
        self._news.wake()

    async def ask(self, *, with_calls: bool) -> Report | None:
        """Ask it, and wait for its answer. Returns what it has said last.

        Cancellation: the answer will be taken all the same.
        """
        async with self._turn:
            await self._wait_answered()
            self._asked_at = trio.current_time()
            self._channel.ask(with_calls=with_calls)
            await self._wait_answered()
            return self.latest

    async def _wait_answered(self) -> None:
        while self._asked_at is not None and not self._is_gone:
            await self._news.wait()


class WorkerReports:
    """The reports of all workers: a `Reporter`."""

    def __init__(self) -> None:
        self._workers: list[ReportingWorker] = []
        self._ended = Numbers()

    def begin(self, number: int, channel: SupervisorEnd) -> ReportingWorker:
        """Note that a worker serves. What it says is to be told to what this returns."""
        worker = ReportingWorker(number, channel)
        self._workers.append(worker)
        return worker

    def end(self, worker: ReportingWorker) -> None:
        """Keep what a worker has counted, as it is gone."""
        worker.has_ended()
        self._workers.remove(worker)
        if worker.latest is not None:
            self._ended.add(worker.latest.numbers, with_gauges=False)

    async def keep_asking(self) -> None:
        """Ask again and again, so that little is lost when a worker dies.

        Cancellation: ends it.
        """
        while True:
            await trio.sleep(ASKED_EVERY_SECONDS)
            await self._ask_all(with_calls=False)

    async def report(self, *, with_calls: bool = False) -> Report:
        """Report how things are now: see `Reporter`. Takes `PATIENCE_SECONDS` at the most."""
        answers = await self._ask_all(with_calls=with_calls)
        numbers = self._ended.copy()
        for worker in self._workers:
            if worker.latest is not None:
                numbers.add(worker.latest.numbers)
        calls = [
            {"worker": worker.number, **call}
            for worker in self._workers
            if (answer := answers.get(worker)) is not None
            for call in answer.calls
        ]
        return Report(numbers, self._why_not_ready(), calls)

    def _why_not_ready(self) -> str | None:
        """Return why none takes calls, as the last of them has it; None if one does."""
        why = "no worker serves"
        for worker in self._workers:
            if worker.latest is None or worker.heard_at < trio.current_time() - SILENT_SECONDS:
                why = f"worker {worker.number} does not answer"
            elif worker.latest.not_ready is None:
                return None
            else:
                why = worker.latest.not_ready
        return why

    async def _ask_all(self, *, with_calls: bool) -> dict[ReportingWorker, Report | None]:
        answers: dict[ReportingWorker, Report | None] = {}

        async def ask(worker: ReportingWorker) -> None:
            answers[worker] = await worker.ask(with_calls=with_calls)

        with trio.move_on_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                for worker in self._workers:
                    if not worker.is_stuck:
                        nursery.start_soon(ask, worker)
        return answers
