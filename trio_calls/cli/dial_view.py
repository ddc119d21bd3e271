"""One call of ``trio-calls dial`` while it lasts: what happens, and how loud everybody is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from trio_calls._plain_text import as_shown
from trio_calls.cli.live_view import meter
from trio_calls.wire.dialing import SILENCE_DBFS, DialEvent, DialStatus

#: Where there is no terminal, levels are printed when nothing else was for so long, in seconds.
_LEVELS_EVERY_SECONDS: Final = 5.0

#: The widest are "CONNECTED WHISPER".
_STATE_WIDTH: Final = 17

_EVENTS: Final = {
    DialEvent.CLAIMED: "an agent has taken the call",
    DialEvent.CALLER_TALKING: "the caller is connected",
    DialEvent.CALLEE_TALKING: "the callee has picked up",
    DialEvent.AGENT_LEFT: "the agent has left",
    DialEvent.CALLER_HUNG_UP: "the caller has hung up",
    DialEvent.CALLEE_HUNG_UP: "the callee has hung up",
}
_MODES: Final = {
    "BARGE": "caller and callee hear the agent",
    "WHISPER": "only the callee hears the agent",
    "SPY": "nobody hears the agent",
}


class DialView:
    """Prints a line for each event; on a terminal with a line of levels below, which is redrawn.

    Elsewhere the levels are a line of their own, whenever nothing has happened for 5 s.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live: Live | None = None
        self._state = ""
        self._mode: str | None = None
        self._printed_at = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the line of levels while the block runs, if the output is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        # Without auto_refresh: rich would start a thread for it.
        with Live(
            console=self._console, auto_refresh=False, redirect_stdout=False, transient=True
        ) as self._live:
            yield
        self._live = None

    def happened(self, event: str, seconds: float) -> None:
        """Tell an event of the call, so many seconds after it was placed."""
        self.tell(_EVENTS[DialEvent(event)], seconds)

    def tell(self, sentence: str, seconds: float) -> None:
        """Tell something that happened so many seconds after the call was placed."""
        self._printed_at = seconds
        self._print(f"{self._beginning(seconds)}{sentence}")

    def update(self, status: DialStatus) -> None:
        """Show the state, the mode and the levels of this moment."""
        self._state = " ".join(filter(None, (status.state, status.mode)))
        # The first mode comes with the callee, and of that there is an event.
        if None not in {status.mode, self._mode} and status.mode != self._mode:
            self.tell(_MODES[str(status.mode)], status.seconds)
        self._mode = status.mode
        if self._live is not None:
            self._live.update(self._text(self._meters(status)), refresh=True)
        elif status.seconds - self._printed_at >= _LEVELS_EVERY_SECONDS:
            self.tell(_in_words(status), status.seconds)

    def _beginning(self, seconds: float) -> str:
        return f"{seconds:8.1f} s  {self._state:<{_STATE_WIDTH}}  "

    def _meters(self, status: DialStatus) -> str:
        meters = [f"{name} {meter(level)}" for name, level in _levels(status)]
        return self._beginning(status.seconds) + "  ".join(meters)

    def _print(self, line: str) -> None:
        self._console.print(self._text(line), soft_wrap=True)

    def _text(self, line: str) -> Text:
        return Text(as_shown(line, self._console.encoding))


def _levels(status: DialStatus) -> list[tuple[str, float]]:
    """Return the parties that are in the call, with their levels in dBFS."""
    parties = (("caller", status.caller), ("callee", status.callee), ("agent", status.agent))
    return [
        (name, -math.inf if level == SILENCE_DBFS else level)
        for name, level in parties
        if level is not None
    ]


def _in_words(status: DialStatus) -> str:
    levels = [
        f"{name} silent" if level == -math.inf else f"{name} {level:.0f} dBFS"
        for name, level in _levels(status)
    ]
    return ", ".join(levels) or "it rings"
