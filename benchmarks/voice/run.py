"""Measure agents that listen while they talk: `make bench ARGS=--voice`."""

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

from benchmarks.cpu_priority import highest_cpu_priority
from benchmarks.measure import AGENT_CORE, EXCHANGE_CORE
from benchmarks.report import print_report
from benchmarks.voice.agents import VOICE_AGENTS
from benchmarks.voice.figures import PACKAGES, VoiceResults
from benchmarks.voice.plot import plot
from benchmarks.voice.report import VOICE_RESULTS, tables
from benchmarks.voice.runner import QUICK, VoicePlan, VoiceRunner

#: Where the output is no terminal, which has a width of its own.
_FILE_COLUMNS: Final = 160


@click.command("--voice")
@click.option(
    "--agent",
    "agents",
    multiple=True,
    type=click.Choice(list(VOICE_AGENTS)),
    help="May be given several times.",
)
@click.option("--calls", type=int, help="How many calls at once.")
@click.option("--rounds", type=click.IntRange(min=1), help="How often; medians are shown.")
@click.option("--seconds", "window_seconds", type=float, help="Of each measurement.")
@click.option("--interrupted-calls", type=int, help="How many calls in which the agent talks.")
@click.option("--interrupted-seconds", type=float, help="For how long.")
@click.option("--capacity/--no-capacity", "finds_capacity", default=None, help="How many calls.")
@click.option("--first", is_flag=True, help="Before all other processes; root only.")
@click.option("--quick", is_flag=True, help="Little, and nothing is kept.")
@click.option("--output", type=click.Path(path_type=Path), help="Keep results in this JSON file.")
def main(*, quick: bool, first: bool, output: Path | None, **choices: Any) -> None:
    """Measure agents that listen while they talk, with a detector of speech, beside pipecat.

    Without options: everything, which takes 20 minutes; the results go to benchmarks/results/voice.
    Whoever chooses agents, numbers or seconds gets what --quick does, with that changed. The first
    run installs pipecat from PyPI, in an environment of its own in build/.
    """
    if not {EXCHANGE_CORE, AGENT_CORE} <= os.sched_getaffinity(0):
        raise click.ClickException("this needs two cores: one for the exchange, one for the agent")
    chosen = {name: value for name, value in choices.items() if value not in (None, ())}
    plan = attrs.evolve(QUICK if quick or chosen else VoicePlan(), **chosen)
    console = Console(width=None if sys.stdout.isatty() else _FILE_COLUMNS)
    results = VoiceResults.begin(plan.rounds, plan.window_seconds, PACKAGES)
    if output is None and not quick and not chosen:
        output = VOICE_RESULTS / f"{results.started_at[:10]}.json"

    def report(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)
        if output is not None:
            results.save(output)

    with highest_cpu_priority() if first else nullcontext():
        uvloop.run(VoiceRunner(plan, results, report).run())
    print_report(results, console, tables(results))
    if output is not None:
        plot(results, output.with_suffix(".svg"))
        console.print(f"Kept in {output}, and drawn beside it.", highlight=False)


if __name__ == "__main__":
    main()
