"""Replace every worker while people talk: ``python -m benchmarks.fleet.rolling``.

Workers are processes, as a deployment has them: ``trio-calls run`` with a monitor. One after the
other is replaced in Kubernetes' way: a new one starts, and when its ``/readyz`` says so, the old
one gets SIGTERM, drains and ends. The exchange, and everybody who calls, are in this process.

Each caller hears back what it says. So it notices if it is hung up on, if a word is missing, and
how long it waited for somebody to answer. Exit status 1 if a promise is not kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
import cattrs
import click
import uvloop

from benchmarks.agents.settings import SAMPLE_RATE, variables_of
from benchmarks.exchange.exchange import Exchange, open_exchange
from benchmarks.figures import Machine, describe_machine, percentile
from benchmarks.fleet.callers import Callers, RollingCall, call_audio
from benchmarks.fleet.plot import plot_shares
from benchmarks.fleet.worker import Worker, open_worker
from benchmarks.report import RESULTS
from benchmarks.runner import raise_open_files

_HANDLER: Final = "benchmarks.agents.ours:echo"

#: What is promised: no offer waits longer for its answer.
MOST_SECONDS: Final = 2.0

#: How often the shares of the workers are noted.
SAMPLE_SECONDS: Final = 0.5


@attrs.frozen
class Plan:
    """What to do.

    Attributes:
      calls: how many at once.
      workers: how many, each of which is replaced.
      shortest_seconds: the length of a call, at least.
      longest_seconds: and at most.
      filling_seconds: until there are so many calls.
      drain_seconds: how long the calls of an old worker may go on.
      seed: of the lengths.
    """

    calls: int = 200
    workers: int = 4
    shortest_seconds: float = 10.0
    longest_seconds: float = 30.0
    filling_seconds: float = 20.0
    drain_seconds: float = 60.0
    seed: int = 1


@attrs.frozen
class Replacement:
    """A worker that was replaced.

    Attributes:
      ready_seconds: from the start of the new one until it was ready.
      drained_seconds: from SIGTERM until the old one had ended.
      calls: that the old one had at SIGTERM.
      status: the old one's exit status.
    """

    ready_seconds: float
    drained_seconds: float
    calls: int
    status: int


@attrs.define
class Rolling:
    """What came of it.

    Attributes:
      started_at: when.
      machine: where.
      load_average: how many other processes wanted to run there, over the minute before.
      plan: what was done.
      placed: calls, in all.
      cut: those that ended before their caller hung up.
      incomplete: those whose caller has not heard back everything.
      unanswered: those that nobody answered.
      wait_p50_seconds: from the offer to the answer.
      wait_p99_seconds: the same.
      wait_longest_seconds: the same.
      echo_p99_ms: from a word to its echo.
      echo_longest_ms: the same: nobody has heard a longer silence.
      replacements: one for each worker.
      shares: how many calls each worker had, every half second.
    """

    started_at: str
    machine: Machine
    load_average: float
    plan: Plan
    placed: int
    cut: int
    incomplete: int
    unanswered: int
    wait_p50_seconds: float
    wait_p99_seconds: float
    wait_longest_seconds: float
    echo_p99_ms: float
    echo_longest_ms: float
    replacements: list[Replacement]
    shares: list[dict[str, int]]

    def broken_promises(self) -> list[str]:
        """Name what went wrong."""
        checks = {
            "calls were cut": self.cut,
            "callers have missed a word": self.incomplete,
            "calls were not answered": self.unanswered,
            "an offer waited too long": self.wait_longest_seconds > MOST_SECONDS,
            "a worker ended badly": any(one.status for one in self.replacements),
        }
        return [what for what, is_so in checks.items() if is_so]

    def save(self, path: Path) -> None:
        """Write everything to a file of JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(cattrs.unstructure(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Rolling:
        """Read a file that `save` has written."""
        return cattrs.structure(json.loads(path.read_text()), cls)


class Fleet:
    """Workers of one exchange, each replaced in its turn.

    Args:
      exchange: of them all.
      plan: what to do.
      stack: ends the workers.

    Attributes:
      shares: how many calls each worker had, every half second.
    """

    def __init__(self, exchange: Exchange, plan: Plan, stack: AsyncExitStack) -> None:
        self.shares: list[dict[str, int]] = []
        self._exchange = exchange
        self._plan = plan
        self._stack = stack
        self._names: dict[object, str] = {}
        self._started = 0

    async def start_worker(self) -> Worker:
        """Start one, and wait until it is ready."""
        self._started += 1
        worker = await self._stack.enter_async_context(
            open_worker(
                f"worker {self._started}",
                _HANDLER,
                {
                    **variables_of(self._exchange.base_url),
                    "WSS_MAX_CONCURRENT_CALLS": f"{self._plan.calls}",
                },
                self._plan.drain_seconds,
            )
        )
        await worker.wait_ready()
        (control,) = self._exchange.controls - self._names.keys()
        self._names[control] = worker.name
        return worker

    async def replace(self, old: Worker) -> Replacement:
        """Start a worker, and drain an old one when the new one is ready."""
        new = await self.start_worker()
        calls = self._count_calls()[old.name]
        began = time.monotonic()
        status = await old.drain()
        return Replacement(new.started_seconds, time.monotonic() - began, calls, status)

    async def watch_shares(self) -> None:
        """Note how many calls each worker has, until cancelled."""
        while True:
            self.shares.append(dict(self._count_calls()))
            await asyncio.sleep(SAMPLE_SECONDS)

    def _count_calls(self) -> Counter[str]:
        talking = (
            self._names[call.claimed_by]
            for call in self._exchange.calls
            if isinstance(call, RollingCall) and call.is_talking and call.claimed_by in self._names
        )
        return Counter(talking)


async def measure(plan: Plan) -> Rolling:
    """Replace every worker under calls.

    Raises:
      MeasurementError: a worker did not start.
    """
    run = _Run(plan)
    audio = call_audio()
    async with (
        AsyncExitStack() as stack,
        open_exchange(SAMPLE_RATE, make_call=lambda number: RollingCall(number, audio)) as exchange,
        asyncio.TaskGroup() as tasks,
    ):
        fleet = Fleet(exchange, plan, stack)
        workers = [await fleet.start_worker() for _ in range(plan.workers)]
        lengths = plan.shortest_seconds, plan.longest_seconds
        callers = Callers(exchange, plan.calls, lengths, plan.seed)
        all_lines_are_busy = asyncio.Event()
        talk = tasks.create_task(callers.run(plan.filling_seconds, all_lines_are_busy.set))
        watch = tasks.create_task(fleet.watch_shares())
        await all_lines_are_busy.wait()
        replacements = [await fleet.replace(worker) for worker in workers]
        callers.stop()
        await talk
        watch.cancel()
    return _summarize(run, callers.calls, replacements, fleet.shares)


@attrs.frozen
class _Run:
    """When, where and what; before anything has come of it."""

    plan: Plan
    started_at: str = attrs.field(factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    load_average: float = attrs.field(factory=lambda: os.getloadavg()[0])


def _summarize(
    run: _Run,
    calls: Sequence[RollingCall],
    replacements: list[Replacement],
    shares: list[dict[str, int]],
) -> Rolling:
    waits = [call.waited_seconds for call in calls]
    echoes = [nanoseconds / 1e6 for call in calls for nanoseconds in call.echo.round_trips_ns]
    return Rolling(
        started_at=run.started_at,
        machine=describe_machine(),
        load_average=run.load_average,
        plan=run.plan,
        placed=len(calls),
        cut=sum(call.was_cut for call in calls),
        incomplete=sum(call.echo.missing_frames > 0 for call in calls),
        unanswered=sum(call.answered_seconds is None for call in calls),
        wait_p50_seconds=percentile(waits, 50),
        wait_p99_seconds=percentile(waits, 99),
        wait_longest_seconds=max(waits),
        echo_p99_ms=percentile(echoes, 99),
        echo_longest_ms=max(echoes),
        replacements=replacements,
        shares=shares,
    )


def markdown(rolling: Rolling) -> str:
    """Write it as a table."""
    plan, replaced = rolling.plan, rolling.replacements
    rows = [
        ("calls at once; in all", f"{plan.calls}; {rolling.placed:,}", ""),
        ("workers replaced", f"{len(replaced)}", f"{plan.workers}"),
        ("callers who were hung up on", f"{rolling.cut}", "0"),
        ("callers who have missed a word of their agent", f"{rolling.incomplete}", "0"),
        ("callers whom nobody answered", f"{rolling.unanswered}", "0"),
        (
            "from the offer to the answer, p50 / p99 / longest",
            f"{rolling.wait_p50_seconds * 1000:.0f} / {rolling.wait_p99_seconds * 1000:.0f} / "
            f"{rolling.wait_longest_seconds * 1000:.0f} ms",
            f"{MOST_SECONDS * 1000:,.0f} ms",
        ),
        (
            "from a word to its echo, p99 / longest",
            f"{rolling.echo_p99_ms:.0f} / {rolling.echo_longest_ms:.0f} ms",
            "",
        ),
        (
            "a new worker is ready after, at the most",
            f"{max(one.ready_seconds for one in replaced):.1f} s",
            "",
        ),
        (
            "an old one has drained after, at the most",
            f"{max(one.drained_seconds for one in replaced):.1f} s",
            f"{plan.longest_seconds:.0f} s and what hanging up takes",
        ),
        (
            "other processes that wanted to run",
            f"{rolling.load_average:.1f} on {rolling.machine.cores} cores",
            "",
        ),
    ]
    head = "| what | measured | wanted |\n| --- | --- | --- |\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


@click.command()
@click.option("--calls", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=4, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Keep results in this JSON file.")
def main(*, calls: int, workers: int, output: Path | None) -> None:
    """Replace every worker while people talk."""
    raise_open_files()
    rolling = uvloop.run(measure(Plan(calls=calls, workers=workers)))
    path = output or RESULTS / "rolling" / f"{rolling.started_at[:10]}.json"
    rolling.save(path)
    plot_shares(rolling.shares, SAMPLE_SECONDS, path.with_suffix(".svg"))
    click.echo(f"{markdown(rolling)}\nKept in {path}, and drawn beside it.")
    broken = rolling.broken_promises()
    for what in broken:
        click.echo(what, err=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
