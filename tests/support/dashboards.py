"""What a dashboard of Grafana asks Prometheus for, and what there is to ask for."""

from __future__ import annotations

import re
from typing import Any

from tests.support.metrics import read_metrics
from trio_calls.telemetry._exposition import write_metrics
from trio_calls.telemetry._numbers import Numbers

#: What Prometheus knows our metrics by.
SERIES = {name.partition("{")[0] for name in read_metrics(write_metrics(Numbers(), "")[0].decode())}


def expressions(node: Any) -> list[str]:
    """Find what a dashboard, or a file of rules, asks Prometheus for."""
    if isinstance(node, dict):
        own = [node["expr"]] if "expr" in node else []
        return own + [one for inner in node.values() for one in expressions(inner)]
    if isinstance(node, list):
        return [one for inner in node for one in expressions(inner)]
    return []


def named_in(text: str) -> set[str]:
    """Find the metrics of ours that a text names."""
    return set(re.findall(r"\btrio_calls_\w+", text))


def overlapping(panels: list[dict[str, Any]]) -> list[str]:
    """Return the titles of panels that are not on the page alone where they are."""
    taken: set[tuple[int, int]] = set()
    wrong = []
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        if taken & cells or max(x for x, _ in cells) >= 24:
            wrong.append(panel["title"])
        taken |= cells
    return wrong
