"""Measure the page of phones: `make bench ARGS=--phone`."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from typing import Final

import attrs
import click
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import AGENT_CORE, EXCHANGE_CORE
from benchmarks.phone.tabs import Heard, Tab

_SETTLE_SECONDS: Final = 2.0

#: CPU of the page in the process, in ms a call-second, and from mouth to ear, in ms.
_MOST_CPU_MS: Final = 12.0
_MOST_DELAY_MS: Final = 120.0

_SERVERS: Final = ("floor", "calls", "page")


@attrs.frozen
class Figures:
    """What was measured of one server."""

    cpu_ms: float
    heard: list[Heard]

    @property
    def delay_ms(self) -> float:
        delays = [delay for heard in self.heard for delay in heard.delays]
        return 1000 * statistics.median(delays) if delays else 0.0

    @property
    def gaps(self) -> int:
        return sum(heard.gaps for heard in self.heard)


async def _measure(server: str, calls: int, seconds: float) -> Figures:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.phone.servers", server, str(calls)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    measured = psutil.Process(process.pid)
    measured.cpu_affinity([AGENT_CORE])
    url = (await process.stdout.readline()).decode().strip()
    tabs = [
        Tab(url, has_protocol=server == "page")
        for _ in range(calls if url.startswith("http") else 0)
    ]
    tasks = [asyncio.create_task(tab.run()) for tab in tabs]
    for tab in tabs:
        await tab.is_talking.wait()
    await asyncio.sleep(_SETTLE_SECONDS)
    heard = [tab.measure() for tab in tabs]
    before = _cpu_seconds(measured)
    await asyncio.sleep(seconds)
    cpu = _cpu_seconds(measured) - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    process.stdin.close()
    await process.wait()
    return Figures(1000 * cpu / calls / seconds, heard)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _measure_all(calls: int, seconds: float) -> list[Figures]:
    return [await _measure(server, calls, seconds) for server in _SERVERS]


@click.command("--phone")
@click.option("--calls", default=20, show_default=True, help="How many tabs at once.")
@click.option("--seconds", default=20.0, show_default=True, help="Of each measurement.")
def main(*, calls: int, seconds: float) -> None:
    """Measure what phones in tabs cost, and how long a voice takes through them.

    The tabs are a load generator that speaks the page's protocol: what a browser needs to take in
    and to play a frame is not in these figures.
    """
    if not {EXCHANGE_CORE, AGENT_CORE} <= os.sched_getaffinity(0):
        raise click.ClickException("this needs two cores: one for the tabs, one for the server")
    os.sched_setaffinity(0, {EXCHANGE_CORE})
    figures = asyncio.run(_measure_all(calls, seconds))
    table = Table(title=f"Phones in tabs: {calls} at once, for {seconds:g} s")
    for heading in ("server", "CPU ms/call-s", "mouth to ear ms", "gaps"):
        table.add_column(heading)
    for server, row in zip(_SERVERS, figures, strict=True):
        cells = (f"{row.delay_ms:.0f}", str(row.gaps)) if row.heard else ("", "")
        table.add_row(server, f"{row.cpu_ms:.2f}", *cells)
    console = Console()
    console.print(table)
    floor, without, page = figures
    cost = page.cpu_ms - without.cpu_ms
    console.print(
        f"The page takes {cost:.2f} ms CPU a call-second (target {_MOST_CPU_MS:g}: "
        f"{_verdict(cost <= _MOST_CPU_MS)}); a bare echo takes {floor.cpu_ms:.2f}. "
        f"{page.gaps} gaps ({_verdict(not page.gaps)}). From mouth to ear {page.delay_ms:.0f} ms, "
        f"of {_MOST_DELAY_MS:g} that a browser is to need with its own part."
    )


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "missed"


if __name__ == "__main__":
    main()
