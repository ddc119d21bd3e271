"""What was said on the wire, as a person would write it down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import attrs

from trio_calls.state import IdentityEnum

ConnectionKind = Literal["control", "media"]

_COLUMNS: Final = ("seconds", "call", "connection", "", "what")


class Direction(IdentityEnum):
    """Which way something went."""

    TO_AGENT = "->"
    """From the exchange to the agent."""

    FROM_AGENT = "<-"
    """From the agent to the exchange."""

    NEITHER = "--"
    """It happened to the connection: it was opened or closed, or a fault was applied."""


@attrs.frozen
class Entry:
    """One thing that happened, or an unbroken stretch of audio.

    Attributes:
      seconds: when, or when it began, in Trio's time: since the call was placed, or since the
        simulator was opened in a transcript of all calls.
      call: the call's number, in the order in which calls were placed, from 1 on; None for what
        concerns no call.
      connection: ``"control"`` or ``"media"``.
      direction: which way it went.
      what: what it was, such as ``call.connect ringTimeSeconds=60 (command #2)``.
      first_frame: the number of its first frame, from 1 on, in this transcript; what is no frame
        has the number of the frame before it.
      frames: how many frames it is; 0 for what is none.
    """

    seconds: float
    call: int | None
    connection: ConnectionKind
    direction: Direction
    what: str
    # Between calls, this is the order in which Trio has happened to run them.
    first_frame: int = attrs.field(eq=False)
    frames: int

    @property
    def is_audio(self) -> bool:
        """Whether it is audio, or asks for audio."""
        return self.what.startswith(("audio ", "buffer_request ", "flow "))


@attrs.frozen
class Transcript:
    """What travelled between the exchange and its agents. ``str()`` makes a table of it.

    What happens in the same instant stands in the order of the calls, whatever order Trio has
    picked: the same seed and the same run make the same transcript, byte for byte. Ids are numbered
    as they appear; tokens are left out.

    Attributes:
      entries: oldest first.
      missing: how many older entries were forgotten.
    """

    entries: tuple[Entry, ...]
    missing: int = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __str__(self) -> str:
        lines = [f"({self.missing} older entries were forgotten)"] * bool(self.missing)
        return "\n".join([*lines, *_table([_COLUMNS, *map(_row, self.entries)])])


def _row(entry: Entry) -> tuple[str, ...]:
    call = "" if entry.call is None else str(entry.call)
    seconds = f"{entry.seconds:.3f}"
    return seconds, call, entry.connection, entry.direction.value, entry.what


def _table(rows: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for seconds, call, *texts in rows:
        cells = [seconds.rjust(widths[0]), call.rjust(widths[1])]
        cells += [text.ljust(width) for text, width in zip(texts, widths[2:], strict=True)]
        yield "  ".join(cells).rstrip()
