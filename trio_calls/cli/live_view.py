"""A simulator's calls, as a table on the terminal that is redrawn again and again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Final

import attrs
import trio
from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trio_calls._plain_text import as_shown
from trio_calls.cli.call_watch import CallWatch, WatchedCall
from trio_calls.cli.keys import has_keys, obey_keys

_REFRESH_SECONDS: Final = 0.25

#: How long a call that has ended stays in the table.
_KEEP_SECONDS: Final = 5.0

#: The lines of the terminal that are not rows: frame, heading, caption and cursor.
_OTHER_LINES: Final = 7

_STYLES: Final = {"PENDING": "yellow", "ANSWERED": "green", "CONNECTED": "bold green"}
_QUIETEST_DBFS: Final = -60.0
_METER_CELLS: Final = 5

#: The key that shows the tasks, how it is told, and where there is room to tell it.
_TASK_KEY: Final = "t"
_HINT: Final = f"; {_TASK_KEY}: tasks"
_HINT_WIDTH: Final = 80

#: The blank that a table has between two columns anyway.
_DIVIDER: Final = 1


async def show_calls(watch: CallWatch, console: Console) -> None:
    """Show the calls until cancelled.

    The key ``t`` shows the tree of this program's tasks instead, as it is at that moment, and the
    next one the calls again.
    """
    has_task_view = has_keys() and console.width >= _HINT_WIDTH and find_spec("stackscope")
    hint = _HINT if has_task_view else ""
    tasks: Text | None = None

    def obey(key: str) -> None:
        nonlocal tasks
        if hint and key == _TASK_KEY:
            tasks = tasks_text(console) if tasks is None else None

    # Without auto_refresh: rich would start a thread for it.
    with Live(console=console, auto_refresh=False, redirect_stdout=False) as live:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(obey_keys, obey)
            while True:
                watch.look(keep_seconds=_KEEP_SECONDS)
                live.update(tasks or calls_table(watch, console, hint), refresh=True)
                await trio.sleep(_REFRESH_SECONDS)


def tasks_text(console: Console) -> Text:
    """Draw the tree of tasks as it is now, as far as it fits on a console."""
    from trio_calls.testing import draw_tasks  # noqa: PLC0415  # takes its time

    lines = draw_tasks().splitlines()
    room = max(1, console.height - _OTHER_LINES)
    left_out = len(lines) - room
    if left_out > 0:
        lines[room:] = [f"… and {left_out} lines"]
    lines += ["", f"{_TASK_KEY}: calls"]
    return Text(as_shown("\n".join(lines), console.encoding), no_wrap=True, overflow="crop")


def calls_table(watch: CallWatch, console: Console, hint: str = "") -> Table:
    """Make a table of the calls, the latest at the bottom, as it fits on a console.

    Where it is narrow, columns are left out, but who calls whom is always there. Where not all
    calls fit, those that go on are preferred to those that are over.

    Args:
      watch: knows the calls.
      console: the console.
      hint: which keys there are, for the end of the caption.
    """
    layout = _fitting_layout(watch.calls, console)
    rows = max(1, (console.height - _OTHER_LINES) // layout.lines_a_call)
    shown = sorted(watch.calls, key=lambda call: (not call.has_ended, call.number))[-rows:]
    hidden = len(watch.calls) - len(shown)
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, layout.gap - _DIVIDER, 0, 0),
        pad_edge=False,
        show_edge=layout.has_edges,
        caption=_caption(watch, hidden, has_levels=layout.has_levels) + hint,
        caption_justify="left",
    )
    for column in layout.columns:
        heading = as_shown(column.heading, console.encoding)
        table.add_column(heading, justify=column.justify, width=column.width)
    for call in sorted(shown, key=lambda call: call.number):
        _add_row(table, call, layout, console.encoding)
    return table


def _add_row(table: Table, call: WatchedCall, layout: _Layout, encoding: str) -> None:
    overflow: OverflowMethod = "ellipsis" if encoding.startswith("utf") else "crop"
    state_style = _STYLES.get(call.state, "dim")
    table.add_row(
        *(
            Text(
                as_shown(column.cell(call), encoding),
                style=state_style if column is _STATE else "",
                no_wrap=True,
                overflow=overflow,
            )
            for column in layout.columns
        ),
        style="dim" if call.has_ended else "",
    )


def _caption(watch: CallWatch, hidden: int, *, has_levels: bool) -> str:
    calls = "1 call" if watch.going_on == 1 else f"{watch.going_on} calls"
    return (
        f"{calls} now, {watch.over} over"
        + ("; levels in dBFS" if has_levels else "")
        + (f"; {hidden} are not shown" if hidden else "")
    )


@attrs.frozen
class _Column:
    """A column of the table: its heading, the texts of its cells, and its width."""

    heading: str
    cell: Callable[[WatchedCall], str]
    width: int
    justify: JustifyMethod = "left"


@attrs.frozen
class _Layout:
    """Which columns are shown, and how.

    Attributes:
      columns: the columns, from left to right.
      gap: how many blanks are between two columns.
      has_edges: whether there is a blank at both ends, and a line of them above and below.
      has_levels: whether levels are shown as numbers.
      lines_a_call: how many lines a call takes.
    """

    columns: Sequence[_Column]
    gap: int = _DIVIDER
    has_edges: bool = False
    has_levels: bool = False
    lines_a_call: int = 1

    @property
    def width(self) -> int:
        """How many columns of the terminal it takes."""
        gaps = self.gap * (len(self.columns) - 1)
        return sum(column.width for column in self.columns) + gaps + 2 * self.has_edges


_STATE: Final = _Column("state", lambda call: call.state, 10)
_MODE: Final = _Column("mode", lambda call: call.mode, 7)
_SECONDS: Final = _Column("s", lambda call: f"{call.seconds:.1f}", 6, "right")


def _fitting_layout(calls: Sequence[WatchedCall], console: Console) -> _Layout:
    """Return the widest layout that fits, or else the narrowest of all."""
    layouts = _layouts(calls, console.encoding)
    return next((layout for layout in layouts if layout.width <= console.width), layouts[-1])


def _layouts(calls: Sequence[WatchedCall], encoding: str) -> list[_Layout]:
    """Make the layouts, the widest first."""

    def width(cell: Callable[[WatchedCall], str]) -> int:
        lines = [line for call in calls for line in as_shown(cell(call), encoding).splitlines()]
        return max(map(cell_len, lines), default=0)

    def folded(call: WatchedCall) -> str:
        return call.parties.replace(" → ", " →\n", 1)

    def number(call: WatchedCall) -> str:
        return str(call.number)

    parties = _Column("caller → callee", _parties, max(width(_parties), len("caller -> callee")))
    on_two_lines = _Column("caller →\ncallee", folded, max(width(folded), len("caller ->")))
    numbered = _Column("call", number, max(width(number), len("call")), "right")
    narrowly = _Column("#", number, max(width(number), 1), "right")
    all_of_it = [numbered, parties, _STATE, _MODE, *_METERS, _SECONDS]
    return [
        _Layout(all_of_it, gap=2, has_edges=True, has_levels=True),
        _Layout([narrowly, parties, _STATE, _MODE, *_BARS, _SECONDS]),
        _Layout([narrowly, parties, _STATE, _MODE, _SECONDS]),
        _Layout([narrowly, parties, _STATE, _SECONDS]),
        _Layout([narrowly, parties, _STATE]),
        _Layout([parties, _STATE]),
        _Layout([narrowly, on_two_lines, _STATE], lines_a_call=2),
    ]


def _parties(call: WatchedCall) -> str:
    return call.parties


def _bar(level: float | None) -> str:
    """Return a level as a bar; nothing for somebody who is not in the call."""
    if level is None:
        return ""
    share = 0.0 if level == -math.inf else 1 - max(level, _QUIETEST_DBFS) / _QUIETEST_DBFS
    cells = math.ceil(share * _METER_CELLS)
    return "▮" * cells + "·" * (_METER_CELLS - cells)


def meter(level: float | None) -> str:
    """Return a level as a bar and a number."""
    return _bar(level) + ("" if level is None or level == -math.inf else f"{level:4.0f}")


def _of_each_party(show: Callable[[float | None], str], width: int) -> list[_Column]:
    def column(place: int, party: str) -> _Column:
        return _Column(party, lambda call: show(call.levels()[place]), max(width, len(party)))

    return [column(place, party) for place, party in enumerate(("caller", "callee", "agent"))]


_METERS: Final = _of_each_party(meter, _METER_CELLS + 4)
_BARS: Final = _of_each_party(_bar, _METER_CELLS)
