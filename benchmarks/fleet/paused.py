"""What calls notice of a Redis that stands still: ``python -m benchmarks.fleet.paused``.

An agent in a process of its own echoes the speech of its calls, first in no fleet, then in one. Of
the second it is measured how long each frame takes while Redis answers, while it is stopped (by
SIGSTOP, so that its connections stay), and when it answers again. Nothing may be lost, and the
slowest hundredth of the frames may take no longer than without a fleet, and a frame's length more.
Frames are of 100 ms: with 20 ms, 200 calls are more than one core of a slow machine carries.

Needs redis-server. Exit status 1 if the promise is not kept.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import click
import uvloop

from benchmarks.agent_process import open_agent
from benchmarks.agents.settings import SAMPLE_RATE
from benchmarks.exchange.exchange import open_exchange
from benchmarks.measure import AGENT_CORE, Pair, measure_load, set_up, wait_connected

RESULT: Final = Path(__file__).resolve().parents[1] / "results" / "fleet" / "paused.json"

_FRAME_MS: Final = 100
_MILLION: Final = 1e6
_READY: Final = b"Ready to accept connections"

#: Until what the calls' beginning has cost is over.
_SETTLE_SECONDS: Final = 5.0


@asynccontextmanager
async def open_redis() -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run a redis-server for the duration of the block. Returns its address, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *("redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            while _READY not in (line := await process.stdout.readline()):
                assert line, "redis-server does not start"
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            process.kill()
            await process.wait()


@asynccontextmanager
async def open_pair(redis_url: str) -> AsyncIterator[Pair]:
    """Run an exchange here, and an agent beside it, inside the block."""
    async with (
        open_exchange(SAMPLE_RATE, None) as exchange,
        open_agent(
            "benchmarks.fleet.agent",
            (exchange.base_url, redis_url),
            cores={AGENT_CORE},
            environment={},
        ) as agent,
    ):
        await wait_connected(exchange, agent)
        name = "fleet" if redis_url else "alone"
        yield Pair(name, exchange, agent, agent.resident_bytes(), False)


async def talk(pair: Pair, seconds: float) -> dict[str, float]:
    """Have all calls talk. Returns how long their frames took."""
    load = await measure_load(pair, _FRAME_MS, seconds)
    trips = [trip for call in pair.exchange.calls for trip in call.echo.round_trips_ns]
    return {
        "round_trip_p50_ms": load.round_trip_p50_ms,
        "round_trip_p99_ms": load.round_trip_p99_ms,
        "round_trip_max_ms": max(trips) / _MILLION,
        "lost_bytes": load.lost_bytes,
        "cpu_ms_per_call_second": load.cpu_ms_per_call_second,
        "exchange_late_p99_ms": load.exchange_late_p99_ms,
    }


async def measure(calls: int, seconds: float) -> dict[str, dict[str, float]]:
    """Measure all four, one after the other."""
    found: dict[str, dict[str, float]] = {}
    async with open_pair("") as pair:
        await set_up(pair, calls)
        await asyncio.sleep(_SETTLE_SECONDS)
        found["in no fleet"] = await talk(pair, seconds)
    async with open_redis() as (url, redis), open_pair(url) as pair:
        await set_up(pair, calls)
        await asyncio.sleep(_SETTLE_SECONDS)
        found["in a fleet"] = await talk(pair, seconds)
        redis.send_signal(signal.SIGSTOP)
        found["redis stopped"] = await talk(pair, seconds)
        redis.send_signal(signal.SIGCONT)
        found["redis again"] = await talk(pair, seconds)
    return found


def is_kept(found: dict[str, dict[str, float]]) -> bool:
    """Return whether calls notice nothing."""
    most = found["in no fleet"]["round_trip_p99_ms"] + _FRAME_MS
    return all(
        each["round_trip_p99_ms"] <= most and not each["lost_bytes"] for each in found.values()
    )


@click.command()
@click.option("--calls", default=200, show_default=True)
@click.option("--seconds", default=30.0, show_default=True, help="Of each of the four.")
@click.option("--write", is_flag=True, help="Keep what was measured in benchmarks/results/fleet.")
def main(*, calls: int, seconds: float, write: bool) -> None:
    """Measure what calls notice of a Redis that stands still."""
    found = uvloop.run(measure(calls, seconds))
    for what, figures in found.items():
        click.echo(
            f"{what:<14} {figures['round_trip_p50_ms']:.1f} ms, 99 % within "
            f"{figures['round_trip_p99_ms']:.1f} ms, all within "
            f"{figures['round_trip_max_ms']:.1f} ms; {figures['lost_bytes']:.0f} bytes lost"
        )
    kept = is_kept(found)
    click.echo(f"calls notice nothing: {'pass' if kept else 'MISS'}")
    if write:
        RESULT.parent.mkdir(exist_ok=True)
        result: dict[str, Any] = {"calls": calls, "seconds": seconds, "found": found}
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
