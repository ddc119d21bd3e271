"""Who has which part of the calls, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure


def plot_shares(shares: Sequence[Mapping[str, int]], step_seconds: float, path: Path) -> None:
    """Draw how many calls each worker has, one upon the other.

    Args:
      shares: the calls of each worker, at one time after the other.
      step_seconds: between two of these times.
      path: of the picture.
    """
    names = list(dict.fromkeys(name for share in shares for name in share))
    names.sort(key=lambda name: int(name.rpartition(" ")[2]))
    seconds = [index * step_seconds for index in range(len(shares))]
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    axes.stackplot(
        seconds,
        *([share.get(name, 0) for share in shares] for name in names),
        labels=names,
        colors=mpl.color_sequences["tab10"],
    )
    axes.set_xlabel("seconds")
    axes.set_ylabel("calls")
    axes.margins(x=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a salt, matplotlib names the parts of a picture anew each time.
    with mpl.rc_context({"svg.hashsalt": "trio-calls"}):
        figure.savefig(path, metadata={"Date": None})
