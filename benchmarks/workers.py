"""What more processes carry: ``python -m benchmarks.workers``.

``trio-calls run --workers N`` echoes calls, for each N, on the whole machine: the exchange, the
workers and the kernel's part of the network share its cores. So the figures are those of a machine,
and not of a core as in the other benchmarks. They are kept beside the others, and printed as
Markdown.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import click
import uvloop

from benchmarks.agent_process import open_agent
from benchmarks.agents.settings import SAMPLE_RATE, variables_of
from benchmarks.exchange.exchange import open_exchange
from benchmarks.figures import Load, Results, median
from benchmarks.measure import Pair, measure_load, set_up, wait_connected
from benchmarks.report import RESULTS
from benchmarks.run import Numbers
from benchmarks.runner import describe_load

_HANDLER: Final = "benchmarks.agents.ours:echo"
_REQUEST_MS: Final = 100

_HEAD: Final = """\
| calls | workers | CPU, ms a call-second | cores used | round trip, ms, p50 / p99 | lost bytes |
| --- | --- | --- | --- | --- | --- |
"""


@asynccontextmanager
async def open_workers(number: int) -> AsyncIterator[Pair]:
    """Run an exchange, and so many workers that have connected to it, inside the block."""
    async with (
        open_exchange(SAMPLE_RATE) as exchange,
        open_agent(
            "trio_calls",
            ("run", _HANDLER, "--workers", f"{number}"),
            cores=os.sched_getaffinity(0),
            environment=variables_of(exchange.base_url),
        ) as agent,
    ):
        await wait_connected(exchange, agent, number)
        agent.count_children()
        yield Pair(f"{number}", exchange, agent, agent.resident_bytes(), is_tls=False)


async def measure(
    results: Results, worker_numbers: tuple[int, ...], call_numbers: tuple[int, ...]
) -> None:
    """Measure every number of workers with every number of calls, in turns."""
    for _, calls, workers in itertools.product(range(results.rounds), call_numbers, worker_numbers):
        async with open_workers(workers) as pair:
            await set_up(pair, calls)
            load = await measure_load(pair, _REQUEST_MS, results.window_seconds)
        results.loads.append(load)
        click.echo(f"{workers} workers, {calls} calls: {describe_load(load)}")


def markdown(results: Results) -> str:
    """Write medians as a table."""
    by_place: dict[tuple[int, int], list[Load]] = {}
    for load in results.loads:
        by_place.setdefault((load.calls, int(load.agent)), []).append(load)
    rows = [
        f"| {calls} | {workers} "
        f"| {median(loads, lambda load: load.cpu_ms_per_call_second):.2f} "
        f"| {median(loads, lambda load: load.core_share):.2f} "
        f"| {median(loads, lambda load: load.round_trip_p50_ms):.1f} / "
        f"{median(loads, lambda load: load.round_trip_p99_ms):.1f} "
        f"| {max(load.lost_bytes for load in loads):,} |\n"
        for (calls, workers), loads in sorted(by_place.items())
    ]
    return _HEAD + "".join(rows)


@click.command()
@click.option("--workers", type=Numbers(), default="1,2", show_default=True)
@click.option("--calls", type=Numbers(), default="50,100,200,300", show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=float, default=2.0, show_default=True, help="Of each measurement.")
@click.option("--output", type=click.Path(path_type=Path), help="Keep results in this JSON file.")
def main(
    *,
    workers: tuple[int, ...],
    calls: tuple[int, ...],
    rounds: int,
    seconds: float,
    output: Path | None,
) -> None:
    """Measure `trio-calls run --workers` on the whole machine."""
    results = Results.begin(rounds, seconds)
    uvloop.run(measure(results, workers, calls))
    path = output or RESULTS / "workers" / f"{results.started_at[:10]}.json"
    results.save(path)
    click.echo(f"\n{markdown(results)}\nKept in {path}.")


if __name__ == "__main__":
    main()
