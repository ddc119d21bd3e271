"""What a worker takes beside the time of its calls: ``python -m benchmarks.fleet.planning``.

Memory before the first call, descriptors with and without calls, and what an offer costs that
another worker has taken: where there are many workers, nearly all offers are.
"""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
import cattrs
import click
import psutil
import uvloop

from benchmarks.agent_process import AgentProcess, open_agent
from benchmarks.agents.settings import SAMPLE_RATE, variables_of
from benchmarks.exchange.exchange import Exchange, open_exchange
from benchmarks.figures import Machine, describe_machine
from benchmarks.measure import Pair, set_up, wait_connected
from benchmarks.report import RESULTS

_CALLS: Final = 50
_OFFERS: Final = 2000
_OFFERS_A_SECOND: Final = 200
_MB: Final = 1e6


@attrs.frozen
class Planning:
    """What was measured.

    Attributes:
      started_at: when.
      machine: where.
      load_average: how many other processes wanted to run there, over the minute before.
      idle_resident_mb: memory of a worker with its monitor, connected and without a call.
      idle_descriptors: that it has open then.
      descriptors_per_call: how many more a call takes.
      lost_offer_cpu_ms: processor time of an offer that another worker has taken.
    """

    started_at: str
    machine: Machine
    load_average: float
    idle_resident_mb: float
    idle_descriptors: int
    descriptors_per_call: float
    lost_offer_cpu_ms: float

    @classmethod
    def load(cls, path: Path) -> Planning:
        """Read a file of JSON."""
        return cattrs.structure(json.loads(path.read_text()), cls)


async def measure() -> Planning:
    """Measure a worker.

    Raises:
      MeasurementError: it did not connect, or did not take a call.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    load_average = os.getloadavg()[0]
    async with (
        open_exchange(SAMPLE_RATE) as exchange,
        open_agent(
            "trio_calls",
            ("run", "benchmarks.agents.ours:echo", "--monitor", "127.0.0.1:0"),
            cores={0, 1},
            environment=variables_of(exchange.base_url),
        ) as agent,
    ):
        await wait_connected(exchange, agent)
        process = psutil.Process(agent.pid)
        resident, idle = agent.resident_bytes(), process.num_fds()
        lost = await _lose_offers(exchange, agent)
        await set_up(Pair("worker", exchange, agent, resident, is_tls=False), _CALLS)
        busy = process.num_fds()
    return Planning(
        started_at=started_at,
        machine=describe_machine(),
        load_average=load_average,
        idle_resident_mb=resident / _MB,
        idle_descriptors=idle,
        descriptors_per_call=(busy - idle) / _CALLS,
        lost_offer_cpu_ms=lost,
    )


async def _lose_offers(exchange: Exchange, agent: AgentProcess) -> float:
    """Offer what somebody has already. Returns the processor time for each, in ms."""
    for _ in range(_OFFERS_A_SECOND):  # a first second, for whatever is done once
        exchange.offer_taken()
        await asyncio.sleep(1 / _OFFERS_A_SECOND)
    began = agent.cpu_seconds()
    for _ in range(_OFFERS):
        exchange.offer_taken()
        await asyncio.sleep(1 / _OFFERS_A_SECOND)
    await asyncio.sleep(1)
    return (agent.cpu_seconds() - began) / _OFFERS * 1000


def markdown(planning: Planning) -> str:
    """Write it as a table."""
    rows = [
        ("memory of a worker without a call", f"{planning.idle_resident_mb:.0f} MB"),
        ("descriptors of a worker without a call", f"{planning.idle_descriptors}"),
        ("descriptors of a call", f"{planning.descriptors_per_call:g}"),
        ("CPU, an offer that another worker has taken", f"{planning.lost_offer_cpu_ms:.2f} ms"),
        (
            "other processes that wanted to run",
            f"{planning.load_average:.1f} on {planning.machine.cores} cores",
        ),
    ]
    return "| what | measured |\n| --- | --- |\n" + "".join(
        f"| {' | '.join(row)} |\n" for row in rows
    )


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Keep results in this JSON file.")
def main(*, output: Path | None) -> None:
    """Measure what a worker takes beside its calls."""
    planning = uvloop.run(measure())
    path = output or RESULTS / "planning" / f"{planning.started_at[:10]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(cattrs.unstructure(planning), indent=1) + "\n")
    click.echo(f"{markdown(planning)}\nKept in {path}.")


if __name__ == "__main__":
    main()
