"""Text that any terminal can show, whatever characters it knows.

Consoles of Windows, and systems whose locale nobody has set, know little more than ASCII. What
else is printed there gives way to what looks like it, and never raises.
"""

from __future__ import annotations

import codecs
import io
import sys
from typing import Final

#: An error handler for encoding, under which it is registered.
PLAIN: Final = "trio_calls.plain"

_LOOK_ALIKES: Final = {
    "→": "->",
    "…": "...",
    "✓": "+",
    "✗": "x",
    "█": "#",
    "▮": "#",
    "·": ".",
    "│": "|",
    "─": "-",
    "━": "-",
    "╸": "-",
    "╺": "-",
    "├": "+",
    "└": "+",
}


def print_anywhere() -> None:
    """Let `sys.stdout` and `sys.stderr` print any text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)


def as_shown(text: str, encoding: str) -> str:
    """Return a text as a terminal shows it that knows the characters of an encoding."""
    return text.encode(encoding, PLAIN).decode(encoding)


def _look_alikes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_look_alike, error.object[error.start : error.end])), error.end


def _look_alike(character: str) -> str:
    return _LOOK_ALIKES.get(character) or character.encode("ascii", "backslashreplace").decode()


codecs.register_error(PLAIN, _look_alikes)
