"""Draws boxes on floors, and arrows down from one to another, as SVG.

Every arrow goes from floor to floor. Where it passes one, it takes a place there as a box does, so
that no arrow runs through a box.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from html import escape
from itertools import combinations, pairwise
from statistics import fmean
from typing import Final, NamedTuple

Arrow = tuple[str, str]

MARGIN: Final = 28
NARROWEST: Final = 480
BOX_WIDTH: Final = 132
BOX_HEIGHT: Final = 46
LANE_WIDTH: Final = 6
GAP: Final = 22
#: Between two floors, and between two rows of the same one.
STOREY: Final = 48
ROW: Final = 34
PADDING: Final = 12
ROOF: Final = 48

STYLE: Final = """
.house { color: var(--color-foreground-primary, #1a1a1a); max-width: 100%; height: auto;
  font: 12px var(--font-stack, system-ui, sans-serif); }
.house .paper { fill: var(--color-background-primary, #fff); }
.house .roof { fill: none; stroke: currentColor; stroke-opacity: 0.35; stroke-width: 1.5;
  stroke-linejoin: round; }
.house .floor { fill: var(--color-background-secondary, #f4f6f8); }
.house .room { fill: var(--color-background-primary, #fff); stroke: currentColor;
  stroke-width: 1.25; }
.house text { fill: currentColor; text-anchor: middle; }
.house .name { font-weight: 600; font-size: 14px; }
.house .note { fill: var(--color-foreground-secondary, #555); font-size: 11px; }
.house .arrow { fill: none; stroke: var(--color-brand-primary, #0a58ca); stroke-width: 1.25;
  stroke-opacity: 0.8; marker-end: url(#house-head); }
.house .head { fill: var(--color-brand-primary, #0a58ca); }
"""


class Place(NamedTuple):
    """A box, or where an arrow passes a row: then it has the arrow, too."""

    name: str
    row: int
    arrow: Arrow | None = None

    @property
    def width(self) -> int:
        """Return how much room it takes."""
        return LANE_WIDTH if self.arrow else BOX_WIDTH


def direct_arrows(arrows: Iterable[Arrow]) -> set[Arrow]:
    """Leave out each arrow whose target is also reached by way of others."""
    targets: dict[str, set[str]] = {}
    for source, target in arrows:
        targets.setdefault(source, set()).add(target)

    def below(room: str) -> set[str]:
        return {room}.union(*(below(target) for target in targets.get(room, ())))

    return {
        (source, target)
        for source, direct in targets.items()
        for target in direct
        if not any(target in below(other) for other in direct - {target})
    }


class FloorPlan:
    """Boxes on floors, from the top down, with arrows that point down.

    Args:
      floors: the names of the boxes on each.
      arrows: from which box to which. One that points up is a `ValueError`.
      notes: what is written below a name.
    """

    def __init__(
        self, floors: Sequence[Sequence[str]], arrows: Sequence[Arrow], notes: Mapping[str, str]
    ) -> None:
        self._notes = notes
        self._arrows = arrows
        # A floor has several rows where boxes on it have arrows between them.
        self._rows_of_floors = [_rows(floor, arrows) for floor in floors]
        self._row_of = {
            name: number
            for number, row in enumerate(row for rows in self._rows_of_floors for row in rows)
            for name in row
        }
        if up := [arrow for arrow in arrows if self._row_of[arrow[0]] >= self._row_of[arrow[1]]]:
            raise ValueError(f"arrows point up: {up}")
        self._ways = {arrow: self._way(arrow) for arrow in arrows}

    def _way(self, arrow: Arrow) -> list[Place]:
        source, target = arrow
        first, last = self._row_of[source], self._row_of[target]
        between = [Place("", row, arrow) for row in range(first + 1, last)]
        return [Place(source, first), *between, Place(target, last)]

    @cached_property
    def _neighbours(self) -> dict[Place, list[Place]]:
        found: dict[Place, list[Place]] = {}
        for way in self._ways.values():
            for upper, lower in pairwise(way):
                found.setdefault(upper, []).append(lower)
                found.setdefault(lower, []).append(upper)
        return found

    @cached_property
    def _order(self) -> list[list[Place]]:
        """Order each row so that few arrows cross, and none takes a long way aside."""
        rows: list[list[Place]] = [[] for _ in range(max(self._row_of.values()) + 1)]
        for name, number in self._row_of.items():
            rows[number].append(Place(name, number))
        for way in self._ways.values():
            for place in way[1:-1]:
                rows[place.row].append(place)
        best = [list(row) for row in rows]
        for sweep in range(24):
            for number in range(len(rows))[:: 1 if sweep % 2 == 0 else -1]:
                beside = number - 1 if sweep % 2 == 0 else number + 1
                self._sort_by_neighbours(rows, number, beside)
            self._swap_where_better(rows)
            if self._cost(rows) < self._cost(best):
                best = [list(row) for row in rows]
        return best

    def _sort_by_neighbours(self, rows: list[list[Place]], number: int, beside: int) -> None:
        if not 0 <= beside < len(rows):
            return
        share = {place: at / len(rows[beside]) for at, place in enumerate(rows[beside])}
        own = {place: at / len(rows[number]) for at, place in enumerate(rows[number])}

        def middle(place: Place) -> float:
            ends = [share[other] for other in self._neighbours.get(place, ()) if other in share]
            return fmean(ends) if ends else own[place]

        rows[number].sort(key=middle)

    def _swap_where_better(self, rows: list[list[Place]]) -> None:
        for row in rows:
            for at in range(len(row) - 1):
                before = self._cost(rows)
                row[at], row[at + 1] = row[at + 1], row[at]
                if self._cost(rows) >= before:
                    row[at], row[at + 1] = row[at + 1], row[at]

    def _cost(self, rows: list[list[Place]]) -> tuple[int, float]:
        at = {place: number for row in rows for number, place in enumerate(row)}
        share = {place: number / len(row) for row in rows for number, place in enumerate(row)}
        steps: dict[int, list[tuple[Place, Place]]] = {}
        for way in self._ways.values():
            for upper, lower in pairwise(way):
                steps.setdefault(upper.row, []).append((upper, lower))
        crossings = sum(
            (at[a] - at[c]) * (at[b] - at[d]) < 0
            for between in steps.values()
            for (a, b), (c, d) in combinations(between, 2)
        )
        aside = sum(
            abs(share[upper] - share[lower])
            for between in steps.values()
            for upper, lower in between
        )
        return crossings, round(aside, 6)

    @cached_property
    def _width(self) -> int:
        widths = [sum(place.width + GAP for place in row) - GAP for row in self._order]
        return max(NARROWEST, max(widths) + 2 * MARGIN)

    @cached_property
    def _middle(self) -> dict[Place, float]:
        """Say where each place has its middle: near those it has arrows to and from."""
        at: dict[Place, float] = {}
        for row in self._order:
            at.update(_apart(row, [self._width / 2] * len(row), self._width))
        for _ in range(60):
            for row in self._order:
                wished = [self._wished(place, at) for place in row]
                at.update(_apart(row, wished, self._width))
        return at

    def _wished(self, place: Place, at: Mapping[Place, float]) -> float:
        beside = self._neighbours.get(place, [place])
        # A long arrow had better be straight than its ends be near.
        weights = [4 if place.arrow and other.arrow else 1 for other in beside]
        return fmean([at[other] for other in beside], weights)

    @cached_property
    def _top(self) -> list[int]:
        """Say at what height each row begins."""
        tops = []
        y = ROOF + PADDING
        for rows in self._rows_of_floors:
            for _ in rows:
                tops.append(y)
                y += BOX_HEIGHT + ROW
            y += STOREY - ROW
        return tops

    def svg(self, label: str) -> str:
        """Draw it."""
        width, height = self._width, self._top[-1] + BOX_HEIGHT + PADDING + 8
        return "\n".join(
            [
                f'<svg class="house" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} '
                f'{height}" width="{width}" height="{height}" role="img" '
                f'aria-label="{escape(label)}">',
                f"<style>{STYLE}</style>",
                '<defs><marker id="house-head" viewBox="0 0 10 10" refX="9" refY="5" '
                'markerWidth="7" markerHeight="7" orient="auto">'
                '<path class="head" d="M0 1 L10 5 L0 9 z"/></marker></defs>',
                f'<rect class="paper" width="{width}" height="{height}"/>',
                f'<path class="roof" d="M8 {ROOF - 6} L{width // 2} 8 L{width - 8} {ROOF - 6} z"/>',
                *self._floors_drawn(),
                *(self._arrow_drawn(arrow) for arrow in self._arrows),
                *(line for place in self._boxes for line in self._box_drawn(place)),
                "</svg>",
                "",
            ]
        )

    @property
    def _boxes(self) -> list[Place]:
        return [place for row in self._order for place in row if place.arrow is None]

    def _floors_drawn(self) -> list[str]:
        drawn, row = [], 0
        for rows in self._rows_of_floors:
            top, last = self._top[row], self._top[row + len(rows) - 1]
            drawn.append(
                f'<rect class="floor" x="8" y="{top - PADDING}" width="{self._width - 16}" '
                f'height="{last + BOX_HEIGHT - top + 2 * PADDING}" rx="8"/>'
            )
            row += len(rows)
        return drawn

    def _box_drawn(self, place: Place) -> list[str]:
        middle, top = round(self._middle[place]), self._top[place.row]
        return [
            f'<rect class="room" x="{middle - BOX_WIDTH // 2}" y="{top}" width="{BOX_WIDTH}" '
            f'height="{BOX_HEIGHT}" rx="6"/>',
            f'<text class="name" x="{middle}" y="{top + 20}">{escape(place.name)}</text>',
            f'<text class="note" x="{middle}" y="{top + 36}">'
            f"{escape(self._notes[place.name])}</text>",
        ]

    def _arrow_drawn(self, arrow: Arrow) -> str:
        way = self._ways[arrow]
        start, end = self._end(arrow, way[0], way[1]), self._end(arrow, way[-1], way[-2])
        x, y = start, self._top[way[0].row] + BOX_HEIGHT
        path = [f"M{x} {y}"]
        for place in way[1:]:
            to_x = end if place == way[-1] else round(self._middle[place])
            to_y = self._top[place.row]
            half = (to_y - y) // 2
            path.append(f"C{x} {y + half} {to_x} {to_y - half} {to_x} {to_y}")
            if place != way[-1]:
                path.append(f"V{to_y + BOX_HEIGHT}")
            x, y = to_x, to_y + BOX_HEIGHT
        return f'<path class="arrow" d="{" ".join(path)}"/>'

    def _end(self, arrow: Arrow, box: Place, beside: Place) -> int:
        """Say where at the edge of a box an arrow ends: those to the left are on the left."""
        side = 1 if beside.row > box.row else -1
        others = [
            (self._middle[way[1] if side == 1 else way[-2]], other)
            for other, way in self._ways.items()
            if (way[0] if side == 1 else way[-1]) == box
        ]
        number = sorted(others).index((self._middle[beside], arrow))
        step = min(22, (BOX_WIDTH - 24) / len(others))
        return round(self._middle[box] + (number - (len(others) - 1) / 2) * step)


def _rows(floor: Sequence[str], arrows: Sequence[Arrow]) -> list[list[str]]:
    """Sort a floor's boxes into rows, so that arrows between them point down, too."""

    def depth(name: str) -> int:
        above = [depth(source) for source, target in arrows if target == name and source in floor]
        return 1 + max(above, default=-1)

    rows: dict[int, list[str]] = {}
    for name in floor:
        rows.setdefault(depth(name), []).append(name)
    return [rows[number] for number in sorted(rows)]


def _apart(row: Sequence[Place], wished: Sequence[float], width: int) -> dict[Place, float]:
    """Put each place of a row as near to where it is wished as the others and the edges allow."""
    # Without their widths, places only have to keep their order: those that would not are put
    # together where all of them wish to be on average.
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + GAP)
    groups: list[list[float]] = []
    for wish, offset in zip(wished, offsets, strict=True):
        groups.append([wish - offset])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    leftmost = MARGIN + row[0].width / 2
    rightmost = width - MARGIN - row[-1].width / 2 - offsets[-1]
    placed = [min(max(fmean(group), leftmost), rightmost) for group in groups for _ in group]
    return {place: at + offset for place, at, offset in zip(row, placed, offsets, strict=True)}
