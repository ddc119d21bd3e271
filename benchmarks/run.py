"""Measure the agents: `make bench`, or `python -m benchmarks.run --help`."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import attrs
import click
import uvloop
from rich.console import Console

from benchmarks.agents import AGENTS
from benchmarks.cpu_priority import highest_cpu_priority
from benchmarks.figures import Results
from benchmarks.measure import AGENT_CORE, EXCHANGE_CORE
from benchmarks.phone.run import main as measure_phones
from benchmarks.plan import QUICK, Plan
from benchmarks.plot import plot
from benchmarks.report import RESULTS, print_report
from benchmarks.runner import Runner
from benchmarks.voice.run import main as measure_voice

#: Other benchmarks, with options of their own.
_PHONE: Final = "--phone"
_VOICE: Final = "--voice"

#: Where the output is no terminal, which has a width of its own.
_FILE_COLUMNS: Final = 160


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
@click.option("--rounds", type=click.IntRange(min=1), help="How often; medians are shown.")
@click.option("--seconds", "window_seconds", type=float, help="Of each measurement.")
@click.option("--closer-agents", type=Names(), help="Those of them that are compared in turns.")
@click.option("--closer-calls", type=Numbers(), help="How many calls to compare with in turns.")
@click.option("--tls-calls", type=Numbers(), help="How many calls over TLS as well.")
@click.option("--bursts", type=Numbers(), help="Offers at once: 10,100,1000.")
@click.option("--idle-calls", type=int, help="Calls in silence.")
@click.option("--idle-seconds", type=float, help="How long they are.")
@click.option("--tls", "is_tls", is_flag=True, help="Everything over TLS.")
@click.option("--first", is_flag=True, help="Before all other processes; root only.")
@click.option("--quick", is_flag=True, help="Little, and nothing is kept.")
@click.option("--output", type=click.Path(path_type=Path), help="Keep results in this JSON file.")
def main(*, quick: bool, first: bool, output: Path | None, is_tls: bool, **choices: Any) -> None:
    """Measure agents that echo calls, against the exchange of the benchmark.

    Without options: everything, which takes half an hour; the results go to benchmarks/results.
    Whoever chooses agents, numbers or seconds gets what --quick does, with that changed.

    With --voice it measures others: agents that listen while they talk, beside pipecat. `--voice
    --help` lists the choices there.
    """
    if not {EXCHANGE_CORE, AGENT_CORE} <= os.sched_getaffinity(0):
        raise click.ClickException("this needs two cores: one for the exchange, one for the agent")
    chosen = {name: value for name, value in choices.items() if value is not None}
    plan = attrs.evolve(QUICK if quick or chosen else Plan(), **chosen, is_tls=is_tls)
    console = Console(width=None if sys.stdout.isatty() else _FILE_COLUMNS)
    results = Results.begin(plan.rounds, plan.window_seconds)
    if output is None and not quick and not chosen:
        output = RESULTS / f"{results.started_at[:10]}{'-tls' if is_tls else ''}.json"

    def report(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)
        if output is not None:
            results.save(output)

    with highest_cpu_priority() if first else nullcontext():
        # A faster event loop leaves the exchange more of its core. The agents have their own.
        uvloop.run(Runner(plan, results, report).run())
    print_report(results, console)
    if output is not None:
        plot(results, output.with_suffix(".svg"))
        console.print(f"Kept in {output}, and drawn beside it.", highlight=False)


if __name__ == "__main__":
    if _PHONE in sys.argv:
        measure_phones([argument for argument in sys.argv[1:] if argument != _PHONE])
    if _VOICE in sys.argv:
        measure_voice([argument for argument in sys.argv[1:] if argument != _VOICE])
    main()
