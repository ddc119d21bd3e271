"""``trio-calls run --workers``: several processes that serve, and one that supervises them.

::

    supervisor ──┬── channel ── worker 1 ── connections ── exchange
                 ├── channel ── worker 2 ── connections ── exchange
                 └── …

More cores are more processes, and each is a whole client. The protocol has workers that compete
for offers already, so nothing is shared and nothing is handed over: a worker is what ``trio-calls
run`` is without ``--workers``. The supervisor imports no application code, which could crash or
block it. It talks to each worker over a channel, not by signals; `trio_calls.cli.worker_channel`
says why.

The first worker serves before the others start. What is wrong with the settings or the file is
then reported once, and nothing that cannot work is started again. After that, an end is an
accident, and the worker is replaced, with the delays of `Backoff`. Only a final refusal by the
exchange (the status `REFUSED`) ends everything, as it does with one process.

Invariants:

- Once the supervisor is ending, no worker is started.
- Every worker still running then has a deadline: it is asked to drain or to leave its calls, and
  killed if it is late. A third signal kills them all at once.
- The exit status of the supervisor is that of the signal that ended the calls, or else the worst
  of the workers that were not replaced.
"""

from __future__ import annotations

import logging
import math
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import trio

from trio_calls.cli.monitoring import MonitorSettings, monitor_workers
from trio_calls.cli.outcome import TERMINATED
from trio_calls.cli.signals import status_after
from trio_calls.cli.worker_channel import SupervisorEnd
from trio_calls.cli.worker_reports import WorkerReports
from trio_calls.client.backoff import Backoff
from trio_calls.concurrency.error_groups import first_error

logger = logging.getLogger(__name__)

#: The exit status of a worker that the exchange or its settings keep from serving for good.
REFUSED: Final = 78  # EX_CONFIG of sysexits.h

#: How long a worker may take to leave its calls, before it is killed.
GRACE_SECONDS: Final = 5.0

#: How long the end of the channel may take after that of the process.
_LAST_WORDS_SECONDS: Final = 1.0

_FAILED: Final = 1
_SIGNALLED: Final = 128


class Worker(Protocol):
    """A worker, from its start to its end."""

    @property
    def served_seconds(self) -> float:
        """For how many seconds it has served so far; 0 if it never did."""
        ...

    async def run(self, on_serving: Callable[[], object]) -> int:
        """Run it to its end.

        Args:
          on_serving: called once the worker serves.

        Returns:
          Its exit status, or what `subprocess` has for a signal: the number below zero.

        Cancellation: asks the worker to leave its calls, and kills it after `GRACE_SECONDS`.
        """
        ...

    def send_signal(self, number: int) -> None:
        """Send it the number of a signal to obey, at any time before its end."""
        ...


class WorkerProcess:
    """A worker that is a process.

    Args:
      number: its place among the workers, from 1.
      make_command: makes the command line, given the descriptor of the worker's end of the channel.
      reports: takes what it reports of itself; None if nobody is to look.
    """

    def __init__(
        self,
        number: int,
        make_command: Callable[[int], Sequence[str]],
        reports: WorkerReports | None = None,
    ) -> None:
        self._number = number
        self._make_command = make_command
        self._reports = reports
        self._channel = SupervisorEnd()
        self._serves_since = math.inf
        self._must_leave = False
        self._was_signalled = False
        self._has_fallen_silent = trio.Event()

    @property
    def served_seconds(self) -> float:
        """For how many seconds it has served so far; 0 if it never did."""
        return max(0.0, trio.current_time() - self._serves_since)

    async def run(self, on_serving: Callable[[], object]) -> int:
        """Run it to its end. See `Worker`."""
        try:
            async with trio.open_nursery() as nursery:
                with self._channel.lend() as descriptor:
                    process: trio.Process = await nursery.start(
                        partial(
                            trio.run_process,
                            self._make_command(descriptor),
                            stdin=subprocess.DEVNULL,
                            check=False,
                            pass_fds=[descriptor],
                            deliver_cancel=self._end,
                        )
                    )
                logger.info("worker %d is process %d", self._number, process.pid)
                nursery.start_soon(self._watch, on_serving)
                status = await process.wait()
                # What it has said at the end may still be on its way.
                with trio.move_on_after(_LAST_WORDS_SECONDS):
                    await self._has_fallen_silent.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._channel.close()
        return status

    def send_signal(self, number: int) -> None:
        """Send it the number of a signal to obey. See `Worker`."""
        self._must_leave = self._was_signalled or number != signal.SIGTERM
        self._was_signalled = True
        self._channel.send_signal(number)

    async def _watch(self, on_serving: Callable[[], object]) -> None:
        if await self._channel.wait_serving():
            self._serves_since = trio.current_time()
            on_serving()
            if self._reports is not None:
                await self._listen(self._reports)
        self._has_fallen_silent.set()

    async def _listen(self, reports: WorkerReports) -> None:
        worker = reports.begin(self._number, self._channel)
        try:
            await self._channel.listen(worker.received)
        finally:
            reports.end(worker)

    async def _end(self, process: trio.Process) -> None:
        if not self._must_leave:
            self.send_signal(signal.SIGINT)
            await trio.sleep(GRACE_SECONDS)
        logger.warning("worker %d has not ended in time, and is killed", self._number)
        process.kill()


class Supervisor:
    """Keeps workers running until a signal comes.

    The first one runs alone until it serves. If it ends before that, the others would do no better,
    and the supervisor ends in the same way. After that, a worker that ends is replaced, unless the
    exchange has refused it for good.

    Args:
      count: how many workers to run.
      drain_seconds: how long the workers may take to drain.
      make_worker: makes a worker, given its number.
    """

    def __init__(
        self, count: int, drain_seconds: float, make_worker: Callable[[int], Worker]
    ) -> None:
        self._count = count
        self._drain_seconds = drain_seconds
        self._make_worker = make_worker
        self._running: set[Worker] = set()
        self._scope = trio.CancelScope()
        self._has_served = trio.Event()
        self._is_ending = trio.Event()
        self._worker_status = 0
        self._own_status: int | None = None

    async def run(self, signals: AsyncIterator[int]) -> int:
        """Run until all workers have ended, and none is to be replaced.

        Args:
          signals: the signals that this process gets.

        Returns:
          The exit status.

        Cancellation: cancels every worker.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._obey, signals)
            with self._scope:
                await self._run_workers()
            nursery.cancel_scope.cancel()
        if self._own_status is not None:
            return self._own_status
        was_killed = self._scope.cancelled_caught
        return _SIGNALLED + signal.SIGKILL if was_killed else self._worker_status

    async def _run_workers(self) -> None:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def start_the_others() -> None:
                await self._has_served.wait()
                for number in range(2, self._count + 1):
                    nursery.start_soon(self._keep, number)

            await self._keep(1)
            if not self._has_served.is_set():
                nursery.cancel_scope.cancel()

    async def _keep(self, number: int) -> None:
        backoff = Backoff()
        while not self._is_ending.is_set():
            status, served_seconds = await self._run_worker(number)
            if self._is_ending.is_set() or status == REFUSED or not self._has_served.is_set():
                self._add_outcome(_exit_status(status), served_seconds)
                self._drain()
                return
            delay = backoff.next_delay(served_seconds)
            # One that was drained by the fleet, or by its own SIGTERM, has done as it was told.
            level = logging.WARNING if status else logging.INFO
            logger.log(
                level, "worker %d %s; another starts in %.1f s", number, _describe(status), delay
            )
            with trio.move_on_after(delay):
                await self._is_ending.wait()

    def _add_outcome(self, status: int, served_seconds: float) -> None:
        # A replacement that SIGTERM ends before it serves leaves no call: the drain went well.
        was_starting = self._has_served.is_set() and served_seconds == 0
        if not (was_starting and status == TERMINATED):
            self._worker_status = max(self._worker_status, status)

    async def _run_worker(self, number: int) -> tuple[int, float]:
        """Run a worker to its end. Returns its status, and for how many seconds it has served."""
        worker: Worker | None = None
        failure: OSError | None = None
        status = _FAILED
        try:
            worker = self._make_worker(number)
            self._running.add(worker)
            status = await worker.run(self._has_served.set)
        except* OSError as errors:
            failure = first_error(errors)
        finally:
            if worker is not None:
                self._running.remove(worker)
        if failure is not None:
            if not self._has_served.is_set():
                raise failure
            # No process, or no descriptor, just now. The other workers go on.
            logger.warning("worker %d cannot be started: %s", number, failure)
        return status, 0.0 if worker is None else worker.served_seconds

    async def _obey(self, signals: AsyncIterator[int]) -> None:
        number = await anext(signals)
        if number == signal.SIGTERM:
            self._drain()
            number = await anext(signals)
        self._own_status = status_after(number, if_terminated=TERMINATED)
        self._leave(number)
        await anext(signals)
        self._scope.cancel()

    def _drain(self) -> None:
        if not self._is_ending.is_set():
            self._signal_all(signal.SIGTERM, self._drain_seconds + GRACE_SECONDS)

    def _leave(self, number: int) -> None:
        self._signal_all(number, GRACE_SECONDS)

    def _signal_all(self, number: int, within_seconds: float) -> None:
        self._is_ending.set()
        for worker in self._running:
            worker.send_signal(number)
        self._scope.deadline = trio.current_time() + within_seconds


def _exit_status(status: int) -> int:
    """Translate a worker's exit status; a signal becomes 128 and its number, as in a shell."""
    if status == REFUSED:
        return _FAILED
    return status if status >= 0 else _SIGNALLED - status


def _describe(status: int) -> str:
    if status == 0:
        return "has ended in good order"
    if status > 0:
        return f"has ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        # Most real-time signals have no name.
        return f"was ended by signal {-status}"


def _worker_command(
    target: str,
    drain_seconds: float,
    number: int,
    descriptor: int,
    *,
    monitor: MonitorSettings | None,
    show_tasks: bool,
    show_numbers: bool,
) -> list[str]:
    """Return the command line of a worker."""
    reports = [] if monitor is None else ["--reports"]
    if show_numbers:
        reports.append("--show-numbers")
    # `python -m` imports what lies in the current directory. A script does not.
    is_module = sys.path[:1] == [str(Path.cwd())]
    return [
        sys.executable,
        *([] if is_module else ["-P"]),
        *("-m", "trio_calls", "run"),
        *("--as-worker", str(number), str(descriptor)),
        *("--drain-seconds", repr(drain_seconds)),
        *reports,
        *(["--show-tasks"] if show_tasks else []),
        *("--", target),
    ]


async def supervise(
    target: str,
    drain_seconds: float,
    count: int,
    monitor: MonitorSettings | None = None,
    *,
    show_tasks: bool = False,
    show_numbers: bool = False,
) -> int:
    """Serve with several workers until a signal comes.

    Args:
      target: says what each of them serves with.
      drain_seconds: how long the workers may take to drain.
      count: how many workers to run.
      monitor: where to serve what there is to see of them; None for nowhere.
      show_tasks: whether each prints its tree of tasks when it is asked to.
      show_numbers: whether what is told of calls has their telephone numbers.

    Returns:
      The exit status.

    Raises:
      Failure: the monitor's port cannot be served on.
    """

    def make_worker(number: int) -> Worker:
        command = partial(
            _worker_command, monitor=monitor, show_tasks=show_tasks, show_numbers=show_numbers
        )
        make_command = partial(command, target, drain_seconds, number)
        return WorkerProcess(number, make_command, reports)

    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with monitor_workers(monitor) as reports:
            return await Supervisor(count, drain_seconds, make_worker).run(signals)
