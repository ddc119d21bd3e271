"""The table of reaction times. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from trio_calls.voice.timeline.page._lanes import PARTS
from trio_calls.voice.timeline.page._markup import Markup, element
from trio_calls.voice.timeline.page._narrative import seek_button
from trio_calls.voice.timeline.page._shapes import box
from trio_calls.voice.timeline.page._times import Axis
from trio_calls.voice.timeline.records import Turn

#: Whose each part is.
_OWNERS: Final = {
    "pause": "settings",
    "thinking": "application",
    "synthesis": "first audio",
    "queue": "and exchange",
}


def turn_table(turns: Sequence[Turn]) -> Markup:
    """Return a table with a row for each turn, and the medians at its foot."""
    axis = Axis(0.0, max([0.001, *(turn.total for turn in turns)]))
    heads = [
        element(
            "th",
            element("span", class_=f"swatch {part}"),
            part.capitalize(),
            " ",
            element("small", owner),
            scope="col",
        )
        for part, owner in _OWNERS.items()
    ]
    head = element(
        "tr",
        element("th", "At", scope="col"),
        *heads,
        element("th", "Total ", element("small", "seconds"), scope="col"),
        element("td", class_="bar"),
    )
    return element(
        "table",
        element("thead", head),
        element("tbody", *(_row(turn, axis) for turn in turns)),
        element("tfoot", _medians(turns)),
    )


def _row(turn: Turn, axis: Axis) -> Markup:
    cells = [element("td", f"{getattr(turn, part):.2f}") for part in PARTS]
    return element(
        "tr",
        element("th", seek_button(turn.speech_end), scope="row"),
        *cells,
        element("td", element("b", f"{turn.total:.2f}")),
        element("td", _bar(turn, axis), class_="bar"),
        data_at=turn.speech_end,
    )


def _bar(turn: Turn, axis: Axis) -> Markup:
    rects, at = [], 0.0
    for part in PARTS:
        seconds: float = getattr(turn, part)
        rects.append(box(f"part {part}", axis, (at, at + seconds), height=10))
        at += seconds
    return element("svg", *rects, width="100%", height=10, aria_hidden="true")


def _medians(turns: Sequence[Turn]) -> Markup:
    cells = [
        element("td", f"{median(getattr(turn, part) for turn in turns):.2f}") for part in PARTS
    ]
    total = element("td", f"{median(turn.total for turn in turns):.2f}")
    return element(
        "tr", element("th", "Median", scope="row"), *cells, total, element("td", class_="bar")
    )
