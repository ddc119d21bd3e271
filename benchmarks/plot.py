"""Results as a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.agents import AGENTS
from benchmarks.figures import Results
from benchmarks.summary import Key, Summary, summarize

#: An agent has the same color in every picture.
_COLORS: Final = dict(zip(AGENTS, mpl.color_sequences["tab10"], strict=False))


def plot(results: Results, path: Path) -> None:
    """Draw CPU, round trip and memory by the number of calls."""
    summaries = summarize(results)
    figure = Figure(figsize=(14, 4.5), layout="constrained")
    cpu, round_trip, memory = figure.subplots(1, 3)
    _draw(cpu, summaries, 20, lambda summary: summary.cpu_ms)
    cpu.set_title("CPU, ms a call-second (requests of 20 ms)")
    _draw(round_trip, summaries, 100, lambda summary: summary.p99_ms)
    round_trip.set_yscale("log")
    round_trip.set_title("Echo round trip, p99, ms (requests of 100 ms)")
    _draw(memory, summaries, 20, lambda summary: summary.resident_mb)
    memory.set_yscale("log")
    memory.set_title("Memory, MB a call")
    figure.legend(*cpu.get_legend_handles_labels(), loc="outside lower center", ncols=len(AGENTS))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a salt, matplotlib names the parts of a picture anew each time.
    with mpl.rc_context({"svg.hashsalt": "trio-calls"}):
        figure.savefig(path, metadata={"Date": None})


def _draw(
    axes: Axes,
    summaries: Mapping[Key, Summary],
    request_ms: int,
    figure: Callable[[Summary], float],
) -> None:
    for agent in AGENTS:
        points = sorted(
            (key.calls, figure(summary))
            for key, summary in summaries.items()
            if (key.agent, key.request_ms, key.is_tls) == (agent, request_ms, False)
        )
        if points:
            style = "--" if AGENTS[agent].is_baseline else "-"
            axes.plot(
                *zip(*points, strict=True),
                style,
                marker="o",
                ms=3,
                label=agent,
                color=_COLORS[agent],
            )
    axes.set_xscale("log")
    ticks = sorted({key.calls for key in summaries})
    axes.set_xticks(ticks, labels=[f"{tick}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("calls at once")
    axes.grid(alpha=0.3)
