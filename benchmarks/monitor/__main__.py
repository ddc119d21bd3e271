"""What it costs to watch a worker: ``python -m benchmarks.monitor``.

Two agents of this SDK, each in a process of its own, talk in turns on one core. One of them is
watched: its metrics are fetched once a second, fifteen times as often as Prometheus does by itself,
and its calls are traced. Two figures are compared: what a call costs while it talks, and what it
costs to take one.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import click
import uvloop

from benchmarks.agent_process import open_agent
from benchmarks.agents.settings import SAMPLE_RATE
from benchmarks.exchange.exchange import open_exchange
from benchmarks.measure import AGENT_CORE, EXCHANGE_CORE, Pair, set_up, wait_connected
from benchmarks.turns import take_turns

_REQUEST_MS: Final = 20
_SCRAPE_SECONDS: Final = 1.0
_MOST: Final = 1.05


@asynccontextmanager
async def open_watched_pair(port: int) -> AsyncIterator[Pair]:
    """Run an agent that serves its metrics on a port; 0: one that is not watched."""
    name = "watched" if port else "plain"
    async with (
        open_exchange(SAMPLE_RATE, None) as exchange,
        open_agent(
            "benchmarks.monitor.agent",
            (exchange.base_url, str(port)),
            cores={AGENT_CORE},
            environment={},
        ) as agent,
    ):
        await wait_connected(exchange, agent)
        yield Pair(name, exchange, agent, agent.resident_bytes(), False)


async def scrape(port: int) -> None:
    """Fetch the metrics, again and again."""
    request = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await reader.read()
            writer.close()
        await asyncio.sleep(_SCRAPE_SECONDS)


async def take_calls(pair: Pair, calls: int) -> float:
    """Have an agent take calls. Returns the processor time of each, in ms."""
    cpu = pair.agent.cpu_seconds()
    await set_up(pair, calls)
    return (pair.agent.cpu_seconds() - cpu) * 1000 / calls


async def measure(calls: int, turns: int, seconds: float) -> tuple[list[float], list[float]]:
    """Have both talk in turns. Returns what taking a call costs, and talking, for each."""
    os.sched_setaffinity(0, {EXCHANGE_CORE})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(open_watched_pair(each)) for each in (0, port)]
        taking = [await take_calls(pair, calls) for pair in pairs]
        scraping = asyncio.create_task(scrape(port))
        try:
            talking = await take_turns(pairs, _REQUEST_MS, turns, seconds)
        finally:
            scraping.cancel()
    return taking, talking


async def compare(calls: int, rounds: int, turns: int, seconds: float) -> None:
    """Measure in rounds, and print what comes of them."""
    taking: list[list[float]] = []
    talking: list[list[float]] = []
    for _ in range(rounds):
        taken, talked = await measure(calls, turns, seconds)
        taking.append(taken)
        talking.append(talked)
    for what, unit, figures in (
        ("taking a call", "ms", taking),
        ("talking", "ms a call-second", talking),
    ):
        plain, watched = (statistics.median(column) for column in zip(*figures, strict=True))
        ratios = [after / before for before, after in figures]
        click.echo(
            f"{what}: {plain:.2f} {unit}, watched {watched:.2f}: "
            f"{statistics.median(ratios):.3f} times ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    ratio = statistics.median(after / before for before, after in talking)
    click.echo(f"at most {_MOST} while talking: {'pass' if ratio <= _MOST else 'MISS'}")


@click.command()
@click.option("--calls", default=50, show_default=True, help="Of each agent.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--turns", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--seconds", default=1.0, show_default=True, help="Of each turn.")
def main(*, calls: int, rounds: int, turns: int, seconds: float) -> None:
    """Compare an agent that is watched with one that is not."""
    uvloop.run(compare(calls, rounds, turns, seconds))


if __name__ == "__main__":
    main()
