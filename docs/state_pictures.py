"""Draws the table of `trio_calls.state`: as Markdown and as SVG.

`python docs/state_pictures.py` brings both up to date, and a test says when they are not.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this draws the checkout that it is in, installed or not.
sys.path.insert(0, str(CHECKOUT))

import trio_calls.state  # noqa: E402
from trio_calls.state import (  # noqa: E402
    MODE_AFTER,
    TRANSITIONS,
    CallState,
    Signal,
    allowed_methods,
)

PAGE: Final = CHECKOUT / "docs" / "reference" / "states.md"
DIAGRAM: Final = CHECKOUT / "docs" / "_static" / "call-states.svg"

BEGIN: Final = "<!-- state table: begin (made by docs/state_pictures.py, do not edit) -->"
END: Final = "<!-- state table: end -->"

IMPOSSIBLE: Final = "—"


def moves() -> dict[tuple[CallState, CallState], list[Signal]]:
    """Group the table's signals by where they take a call from and to."""
    grouped: dict[tuple[CallState, CallState], list[Signal]] = {}
    for source, targets in TRANSITIONS.items():
        for signal, target in targets.items():
            grouped.setdefault((source, target), []).append(signal)
    return grouped


def label(signal: Signal) -> str:
    """Say what happens, shortly: a method stands for its success."""
    return signal.value.removesuffix(" succeeded")


def meaning(state: CallState) -> str:
    """Read the line under a state in the source, which Python itself does not keep."""
    tree = ast.parse(inspect.getsource(trio_calls.state))
    (definition,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == CallState.__name__
    )
    for assignment, text in pairwise(definition.body):
        match assignment, text:
            case ast.Assign(targets=[ast.Name(id=state.name)]), ast.Expr(value=value):
                return str(ast.literal_eval(value))
    raise LookupError(f"CallState.{state.name} has no docstring")


def transition_table() -> str:
    """Write the whole table, a row for each signal."""
    rows = [
        [_code(signal.value), *(_target(state, signal) for state in CallState)] for signal in Signal
    ]
    return _table(["what happens, in", *(state.name for state in CallState)], rows)


def method_table() -> str:
    """Write what an application may call in each state."""
    rows = [
        [
            state.name,
            meaning(state),
            ", ".join(map(_code, allowed_methods(state))) or "nothing",
        ]
        for state in CallState
    ]
    return _table(["state", "what it means", "what may be called"], rows)


def section() -> str:
    """Make everything between the two comments of the page, and the comments."""
    return "\n\n".join([BEGIN, method_table(), transition_table(), END])


def with_section(page: str) -> str:
    """Replace the section between the two comments."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LookupError(f"{PAGE.name} needs the lines {BEGIN!r} and {END!r}")
    return before + section() + after


def _target(state: CallState, signal: Signal) -> str:
    target = TRANSITIONS[state].get(signal)
    if target is None:
        return IMPOSSIBLE
    mode = f" ({MODE_AFTER[signal].name})" if signal in MODE_AFTER else ""
    return target.name + mode


def _code(text: str) -> str:
    return re.sub(r"\w+\(\)", r"`\g<0>`", text)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


class Box(NamedTuple):
    """Where a state is drawn."""

    x: int
    y: int
    width: int
    height: int


class Route(NamedTuple):
    """How an arrow runs from one state to another, and where its label begins."""

    path: str
    label_x: int
    label_y: int
    anchor: str


BOXES: Final = {
    CallState.PENDING: Box(40, 80, 204, 128),
    CallState.ANSWERED: Box(318, 80, 204, 128),
    CallState.CONNECTED: Box(596, 80, 204, 128),
    CallState.DISCONNECTED: Box(40, 324, 760, 48),
}

#: A move that is new in the table needs its way here.
ROUTES: Final = {
    (CallState.PENDING, CallState.ANSWERED): Route("M244 104 H310", 278, 96, "middle"),
    (CallState.ANSWERED, CallState.CONNECTED): Route("M522 104 H588", 556, 96, "middle"),
    (CallState.PENDING, CallState.CONNECTED): Route(
        "M142 80 V52 Q142 40 154 40 H686 Q698 40 698 52 V72", 420, 32, "middle"
    ),
    (CallState.PENDING, CallState.DISCONNECTED): Route("M60 208 V316", 72, 234, "start"),
    (CallState.ANSWERED, CallState.DISCONNECTED): Route("M338 208 V316", 350, 234, "start"),
    (CallState.CONNECTED, CallState.DISCONNECTED): Route("M616 208 V316", 628, 234, "start"),
}

LINE_HEIGHT: Final = 17

STYLE: Final = """
.call-states { color: var(--color-foreground-primary, #1a1a1a); max-width: 100%; height: auto;
  font: 13px var(--font-stack, system-ui, sans-serif); }
.call-states .paper { fill: var(--color-background-primary, #fff); }
.call-states .box { fill: var(--color-background-secondary, #f4f6f8); stroke: currentColor;
  stroke-width: 1.25; }
.call-states text { fill: currentColor; }
.call-states .name { font-weight: 600; font-size: 15px; }
.call-states .stays { fill: var(--color-foreground-secondary, #555); font-size: 12px; }
.call-states .arrow { fill: none; stroke: var(--color-brand-primary, #0a58ca); stroke-width: 1.5;
  marker-end: url(#call-states-head); }
.call-states .head, .call-states .start { fill: var(--color-brand-primary, #0a58ca); }
"""


def svg() -> str:
    """Draw the table: arrows for what moves a call, and in each state what leaves it there."""
    grouped = moves()
    parts = [
        '<svg class="call-states" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 830 388" '
        f'width="830" height="388" role="img" aria-label="{escape(_summary(grouped))}">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="call-states-head" viewBox="0 0 10 10" refX="2" refY="5" '
        'markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0 L10 5 L0 10 z"/></marker></defs>',
        '<rect class="paper" width="830" height="388"/>',
        '<circle class="start" cx="10" cy="104" r="6"/>',
        '<path class="arrow" d="M16 104 H32"/>',
    ]
    for (source, target), signals in grouped.items():
        if source is not target:
            parts += _arrow(ROUTES[source, target], signals)
    for state, box in BOXES.items():
        parts += _state(state, box, grouped.get((state, state), []))
    return "\n".join([*parts, "</svg>", ""])


def _summary(grouped: dict[tuple[CallState, CallState], list[Signal]]) -> str:
    return "; ".join(
        f"{source.name} to {target.name} by {', '.join(map(label, signals))}"
        for (source, target), signals in grouped.items()
        if source is not target
    )


def _arrow(route: Route, signals: list[Signal]) -> list[str]:
    return [
        f'<path class="arrow" d="{route.path}"/>',
        *(
            _text(label(signal), route.label_x, route.label_y + number * LINE_HEIGHT, route.anchor)
            for number, signal in enumerate(signals)
        ),
    ]


def _state(state: CallState, box: Box, staying: list[Signal]) -> list[str]:
    lines = [f"↺ {label(signal)}" for signal in staying]
    middle = box.x + box.width // 2
    top = box.y + (24 if lines else box.height // 2 + 5)
    return [
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" '
        'rx="8"/>',
        _text(state.name, middle, top, "middle", "name"),
        *(
            _text(line, box.x + 12, top + 22 + number * LINE_HEIGHT, "start", "stays")
            for number, line in enumerate(lines)
        ),
    ]


def _text(text: str, x: int, y: int, anchor: str, style: str | None = None) -> str:
    style_class = f' class="{style}"' if style else ""
    return f'<text{style_class} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def main() -> None:
    """Write what is drawn here to where it is shown."""
    PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    DIAGRAM.write_text(svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
