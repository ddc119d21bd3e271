"""Small differences, in spite of the machine's noise: ``python -m benchmarks.side_by_side``.

All agents talk at once, on one core, so that whatever else the machine does is the same for all.
Each is slower that way than by itself, as it finds less of itself in the caches. What counts is how
many times as much one takes as another; of that, some rounds tell a difference of two percent.

With ``--turns``, one of them talks at a time. That is how a call goes in earnest, and takes many
turns to tell as much.

A folder stands for the fast agent of the checkout in it: ``official . ../before``.
"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import attrs
import click
import uvloop

from benchmarks.agents import AGENTS
from benchmarks.exchange.frames import FRAMES_PER_SECOND
from benchmarks.measure import measure_load, open_pair, set_up
from benchmarks.plan import rotated
from benchmarks.turns import take_turns

_REQUEST_MS: Final = 20


@attrs.frozen
class Contender:
    """An agent, and where its code is."""

    label: str
    agent: str
    folder: Path


def find(name: str) -> Contender:
    """Return what a name stands for.

    Raises:
      click.BadParameter: neither an agent nor a checkout.
    """
    folder = Path() if name in AGENTS else Path(name)
    if not (folder / "benchmarks" / "agents").is_dir():
        raise click.BadParameter(f"neither an agent nor a checkout of this project: {name}")
    return Contender(name, name if name in AGENTS else "fast", folder.resolve())


async def measure(
    contenders: list[Contender], calls: int, seconds: float, turns: int
) -> list[float]:
    """Have all talk, at once or in turns. Returns the processor time of each, in µs a frame."""
    async with AsyncExitStack() as agents:
        pairs = []
        for contender in contenders:
            pair = await agents.enter_async_context(
                open_pair(contender.agent, folder=contender.folder)
            )
            await set_up(pair, calls)
            pairs.append(pair)
        if turns:
            figures = await take_turns(pairs, _REQUEST_MS, turns, seconds)
        else:
            loads = await asyncio.gather(
                *(measure_load(pair, _REQUEST_MS, seconds) for pair in pairs)
            )
            figures = [load.cpu_ms_per_call_second for load in loads]
    return [figure * 1000 / FRAMES_PER_SECOND for figure in figures]


async def compare(
    contenders: list[Contender], calls: int, rounds: int, seconds: float, turns: int
) -> None:
    """Measure in rounds, and print what comes of them."""
    figures: dict[str, list[float]] = {contender.label: [] for contender in contenders}
    for round_number in range(rounds):
        # What is started first might have the better places.
        order = rotated(contenders, round_number)
        measured = await measure(order, calls, seconds, turns)
        for contender, figure in zip(order, measured, strict=True):
            figures[contender.label].append(figure)
    first = contenders[0].label
    for label, own in figures.items():
        ratios = [figure / other for figure, other in zip(own, figures[first], strict=True)]
        click.echo(
            f"{label}: {statistics.median(own):.1f} µs a frame, {statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f}) times as much as {first}"
        )


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--calls", default=25, show_default=True, help="Of each agent.")
@click.option("--rounds", type=click.IntRange(min=1), default=9, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each round, or turn.")
@click.option("--turns", type=click.IntRange(min=0), default=0, help="Of each agent in a round.")
def main(*, names: tuple[str, ...], calls: int, rounds: int, seconds: float, turns: int) -> None:
    """Compare agents, or checkouts of this project, with the first one that is named."""
    uvloop.run(compare([find(name) for name in names], calls, rounds, seconds, turns))


if __name__ == "__main__":
    main()
