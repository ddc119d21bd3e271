"""Draws scenes of the book on one axis of time: what was heard, and how long which task lived."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final, NamedTuple

from examples.book.stage import AGENT_LINES, REQUEST, PlayedCall, Scene, Span

WIDTH: Final = 660
#: Where time begins; to the left are the names.
LEFT: Final = 110
RIGHT: Final = WIDTH - 14
ROW: Final = 26
BAR: Final = 20
#: About how wide a letter is.
LETTER: Final = 7.7

OUTLIVES: Final = "task outlives"

STYLE: Final = """
.timeline { color: var(--color-foreground-primary, #1a1a1a); width: 100%; min-width: 560px;
  height: auto; font: 12px var(--font-stack, system-ui, sans-serif); }
.timeline .paper { fill: var(--color-background-primary, #fff); }
.timeline text { fill: currentColor; }
.timeline .title { font-weight: 600; font-size: 14px; }
.timeline .name { text-anchor: end; }
.timeline .tick { text-anchor: middle; fill: var(--color-foreground-secondary, #555); }
.timeline .grid { stroke: currentColor; stroke-opacity: 0.13; }
.timeline .end { stroke: currentColor; stroke-opacity: 0.7; stroke-dasharray: 3 3; }
.timeline .call { fill: currentColor; fill-opacity: 0.16; }
.timeline .heard { fill: var(--color-brand-primary, #0a58ca); fill-opacity: 0.3; }
.timeline .said { fill: #2e8b57; fill-opacity: 0.32; }
.timeline .task { fill: currentColor; fill-opacity: 0.1; stroke: currentColor;
  stroke-opacity: 0.5; }
.timeline .outlives { fill: #d9480f; fill-opacity: 0.45; stroke: #d9480f; }
"""


class Bar(NamedTuple):
    """A stretch of time, how it looks, and what is written on it."""

    start: float
    end: float
    style: str
    text: str = ""


class Row(NamedTuple):
    """A name, and what is drawn beside it."""

    name: str
    bars: list[Bar]


def draw(scenes: Mapping[str, Scene]) -> str:
    """Draw scenes below one another, each under its title."""
    until = _end(scenes.values())
    parts, top = _legend(scenes.values()), 0
    for title, scene in scenes.items():
        drawn, height = _panel(title, scene, top, until)
        parts += drawn
        top += height
    about = "; ".join(f"{title}: {_in_words(scene)}" for title, scene in scenes.items())
    return "\n".join(
        [
            f'<svg class="timeline" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
            f'role="img" aria-label="{escape(about)}">',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{top}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def rows(scene: Scene) -> list[Row]:
    """List what is drawn of a scene; of many calls, only who heard what."""
    if len(scene.calls) > 1:
        # Who is answered first is a matter of chance: those who hear something come first.
        bars = sorted(
            [[*_heard(call), _call(call)] for call in scene.calls], key=_by_style_and_time
        )
        return [Row(f"caller {number}", each[::-1]) for number, each in enumerate(bars, 1)]
    (call,) = scene.calls
    said = [Bar(span.start, span.end, "said", span.name) for span in call.said(REQUEST)]
    return [
        Row("the call", [_call(call)]),
        Row("Ada hears", _heard(call)),
        *([Row("Ada says", said)] if said else []),
        *(Row(life.name, _life(life, call.span.end)) for life in scene.lives),
    ]


def _by_style_and_time(bars: list[Bar]) -> list[tuple[bool, float]]:
    return [(bar.style == "call", round(bar.end, 1)) for bar in bars]


def _call(call: PlayedCall) -> Bar:
    return Bar(call.span.start, call.span.end, "call")


def _heard(call: PlayedCall) -> list[Bar]:
    return [
        Bar(span.start, span.end, "heard", span.name)
        for line in AGENT_LINES
        for span in call.heard(line)
    ]


def _life(life: Span, call_end: float) -> list[Bar]:
    """Draw a task, and so that it is seen what of it was after its call."""
    if life.end <= call_end:
        return [Bar(life.start, life.end, "task")]
    return [
        Bar(life.start, call_end, "task"),
        Bar(max(life.start, call_end), life.end, OUTLIVES),
    ]


def _legend(scenes: Iterable[Scene]) -> list[str]:
    styles = {bar.style for scene in scenes for row in rows(scene) for bar in row.bars}
    if OUTLIVES not in styles:
        return []
    # Beside the title, where it is seen on a narrow screen, too: what is at the right is not.
    return [
        f'<rect class="{OUTLIVES}" x="{LEFT + 10}" y="8" width="22" height="14"/>',
        f'<text x="{LEFT + 38}" y="19">goes on after the call</text>',
    ]


def _end(scenes: Iterable[Scene]) -> float:
    """Return up to when to draw, in seconds: a bit longer than what has an end."""
    ends = [bar.end for scene in scenes for row in rows(scene) for bar in row.bars]
    room = 1.2 if math.inf in ends else 1.06
    return room * max(end for end in ends if end < math.inf)


def _panel(title: str, scene: Scene, top: int, until: float) -> tuple[list[str], int]:
    drawn = rows(scene)
    bottom = top + 34 + ROW * len(drawn)
    parts = [f'<text class="title" x="10" y="{top + 20}">{escape(title)}</text>']
    step = next(step for step in (1, 2, 5) if until / step <= 12)  # noqa: PLR2004  # marks
    for tick in range(0, math.floor(until) + 1, step):
        x = _x(tick, until)
        parts.append(f'<path class="grid" d="M{x} {top + 30}V{bottom}"/>')
        parts.append(f'<text class="tick" x="{x}" y="{bottom + 14}">{tick} s</text>')
    for number, row in enumerate(drawn):
        parts += _row(row, top + 34 + ROW * number, until)
    if len(scene.calls) == 1:
        x = _x(scene.calls[0].span.end, until)
        parts.append(f'<path class="end" d="M{x} {top + 30}V{bottom}"/>')
    return parts, 34 + ROW * len(drawn) + 26


def _row(row: Row, top: int, until: float) -> list[str]:
    parts = [f'<text class="name" x="{LEFT - 10}" y="{top + 14}">{escape(row.name)}</text>']
    for bar in row.bars:
        left, right = _x(bar.start, until), _x(bar.end, until)
        width = round(max(1.5, right - left), 1)
        rounded = 0 if bar.style.startswith("task") else 4
        parts.append(
            f'<rect class="{bar.style}" x="{left}" y="{top}" width="{width}" height="{BAR}" '
            f'rx="{rounded}"><title>{escape(_title(row, bar))}</title></rect>'
        )
        text = _shortened(bar.text, width - 10)
        if text:
            parts.append(f'<text x="{left + 5}" y="{top + 14}">{escape(text)}</text>')
        if bar.end == math.inf:
            parts.append(f'<text x="{RIGHT - 14}" y="{top + 14}">→</text>')
    return parts


def _x(seconds: float, until: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * min(1, seconds / until), 1)


def _shortened(text: str, width: float) -> str:
    letters = int(width / LETTER)
    if len(text) <= letters:
        return text
    return f"{text[: letters - 1].rstrip(' .,?')}…" if letters > 4 else ""  # noqa: PLR2004  # or nothing


def _title(row: Row, bar: Bar) -> str:
    what = f"{row.name}: {bar.text}" if bar.text else row.name
    if bar.end == math.inf:
        return f"{what}, from {bar.start:.1f} s on, without an end"
    return f"{what}, {bar.start:.1f} to {bar.end:.1f} s"


def _in_words(scene: Scene) -> str:
    return "; ".join(_title(row, bar) for row in rows(scene) for bar in row.bars)
