"""Results of voice as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import median
from benchmarks.voice.agents import VOICE_AGENTS
from benchmarks.voice.figures import VoiceResults


def plot(results: VoiceResults, path: Path) -> None:
    """Draw processor time, what a core carries, and how soon an agent is silent."""
    figure = Figure(figsize=(14, 4.5), layout="constrained")
    cpu, carried, silent = figure.subplots(1, 3)
    _draw(cpu, "CPU, ms a call-second", _cpu(results))
    _draw(carried, "calls that a core carries", {c.agent: c.calls for c in results.capacities})
    _draw(
        silent,
        "the caller's first frame to silence, ms, p90",
        {each.agent: each.silent_p90_ms for each in results.interruptions},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a salt, matplotlib names the parts of a picture anew each time.
    with mpl.rc_context({"svg.hashsalt": "trio-calls"}):
        figure.savefig(path, metadata={"Date": None})


def _cpu(results: VoiceResults) -> dict[str, float]:
    return {
        name: median(
            [load for load in results.loads if load.agent == name],
            lambda load: load.cpu_ms_per_call_second,
        )
        for name in dict.fromkeys(load.agent for load in results.loads)
    }


def _draw(axes: Axes, title: str, figures: dict[str, float] | dict[str, int]) -> None:
    names = [name for name in VOICE_AGENTS if name in figures]
    axes.barh(names, [figures[name] for name in names])
    axes.invert_yaxis()
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.3)
