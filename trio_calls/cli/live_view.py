"""A simulator's calls, as a table on the terminal that is redrawn again and again."""

from __future__ import annotations

import math
from typing import Final

import trio
from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trio_calls.cli.call_watch import CallWatch, WatchedCall

_REFRESH_SECONDS: Final = 0.25

#: How long a call that has ended stays in the table.
_KEEP_SECONDS: Final = 5.0

#: The lines of the terminal that are not rows: frame, heading, caption and cursor.
_OTHER_LINES: Final = 7

_STYLES: Final = {"PENDING": "yellow", "ANSWERED": "green", "CONNECTED": "bold green"}
_QUIETEST_DBFS: Final = -60.0
_METER_CELLS: Final = 5


async def show_calls(watch: CallWatch, console: Console) -> None:
    """Show the calls until cancelled."""
    # Without auto_refresh: rich would start a thread for it.
    with Live(console=console, auto_refresh=False, redirect_stdout=False) as live:
        while True:
            watch.look(keep_seconds=_KEEP_SECONDS)
            live.update(calls_table(watch, console.height), refresh=True)
            await trio.sleep(_REFRESH_SECONDS)


def calls_table(watch: CallWatch, terminal_lines: int) -> Table:
    """Make a table of the calls, the latest at the bottom.

    Where not all of them fit, calls that go on are preferred to those that are over.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, caption_justify="left")
    table.add_column("call", justify="right", width=4)
    table.add_column("caller → callee")
    table.add_column("state", width=10)
    table.add_column("mode", width=7)
    for party in ("caller", "callee", "agent"):
        table.add_column(party, width=_METER_CELLS + 4)
    table.add_column("s", justify="right", width=6)
    rows = max(1, terminal_lines - _OTHER_LINES)
    shown = sorted(watch.calls, key=lambda call: (not call.has_ended, call.number))[-rows:]
    for call in sorted(shown, key=lambda call: call.number):
        _add_row(table, call)
    hidden = len(watch.calls) - len(shown)
    calls = "1 call" if watch.going_on == 1 else f"{watch.going_on} calls"
    table.caption = f"{calls} now, {watch.over} over; levels in dBFS" + (
        f"; {hidden} are not shown" if hidden else ""
    )
    return table


def _add_row(table: Table, call: WatchedCall) -> None:
    style = _STYLES.get(call.state, "dim")
    table.add_row(
        str(call.number),
        Text(call.parties, no_wrap=True, overflow="ellipsis"),
        Text(call.state, style=style),
        Text(call.mode),
        *map(_meter, call.levels()),
        f"{call.seconds:.1f}",
        style="dim" if call.has_ended else "",
    )


def _meter(level: float | None) -> Text:
    """Return a level as a bar and a number."""
    if level is None:
        return Text("")
    share = 0.0 if level == -math.inf else 1 - max(level, _QUIETEST_DBFS) / _QUIETEST_DBFS
    cells = math.ceil(share * _METER_CELLS)
    number = "" if level == -math.inf else f"{level:4.0f}"
    return Text("▮" * cells + "·" * (_METER_CELLS - cells) + number)
