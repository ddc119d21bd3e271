"""Measure the agents: `make bench`, or `python -m benchmarks.run --help`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import attrs
import click
from rich.console import Console

from benchmarks.agents import AGENTS
from benchmarks.plan import Plan, Runner
from benchmarks.report import print_report
from benchmarks.results import Results

RESULTS: Final = Path(__file__).parent / "results"


class Names(click.ParamType[tuple[str, ...]]):
    """Names of agents, with commas between them."""

    name = "names"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        names = tuple(value.split(","))
        if unknown := set(names) - AGENTS.keys():
            self.fail(f"no such agent: {', '.join(sorted(unknown))}; there are {', '.join(AGENTS)}")
        return names


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers, with commas between them."""

    name = "numbers"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        try:
            return tuple(int(number) for number in value.split(",") if number)
        except ValueError:
            self.fail(f"not numbers with commas between them: {value!r}")


@click.command()
@click.option("--agents", type=Names(), help=f"Out of {','.join(AGENTS)}.")
@click.option("--calls", type=Numbers(), help="How many calls at once: 1,50,400.")
@click.option("--request-ms", type=Numbers(), help="Audio that a buffer request asks for: 20,100.")
@click.option("--rounds", type=click.IntRange(min=1), help="How often; medians are printed.")
@click.option("--seconds", "window_seconds", type=float, help="Of each measurement.")
@click.option("--bursts", type=Numbers(), help="Offers at once: 10,100,1000; '' for none.")
@click.option("--idle-calls", type=int, help="Calls in silence; 0 for none.")
@click.option("--idle-seconds", type=float, help="How long they are.")
@click.option("--tls", "is_tls", is_flag=True, help="Everything over TLS.")
@click.option("--quick", is_flag=True, help="Two minutes: fewer calls, one round, nothing saved.")
@click.option("--output", type=click.Path(path_type=Path), help="Where the JSON goes.")
def main(*, quick: bool, output: Path | None, is_tls: bool, **choices: Any) -> None:
    """Measure agents that echo calls, against the exchange of the benchmark."""
    chosen = {name: value for name, value in choices.items() if value is not None}
    usual = _QUICK if quick or chosen else Plan(agents=tuple(AGENTS))
    plan = attrs.evolve(usual, **chosen, is_tls=is_tls)
    console = Console()
    results = Results.begin(plan.rounds, plan.window_seconds)
    try:
        asyncio.run(Runner(plan, results, lambda line: console.print(line, highlight=False)).run())
    finally:
        if output is None and not quick and not chosen:
            output = RESULTS / f"{results.started_at[:10]}{'-tls' if is_tls else ''}.json"
        if output is not None:
            results.save(output)
    print_report(results, console)


_QUICK: Final = Plan(
    agents=("fast", "trio-websocket", "official"),
    calls=(1, 50),
    request_ms=(20,),
    rounds=1,
    tls_calls=(),
    bursts=(),
    idle_calls=0,
)


if __name__ == "__main__":
    main()
