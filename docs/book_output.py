"""Plays the programs of the book, and keeps what they print, which the pages show.

`python docs/book_output.py` brings the files up to date, and a test says when they are not.
"""

from __future__ import annotations

import io
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this plays what is in the checkout that it is in.
sys.path.insert(0, str(CHECKOUT))

OUTPUT: Final = CHECKOUT / "docs" / "book" / "output"

#: In the order of the chapters.
PROGRAMS: Final = (
    "listening",
    "leaving",
    "hanging_up",
    "interrupting",
    "in_time",
    "cleaning_up",
    "failing",
    "channels",
    "outside",
    "many_calls",
)


def program(name: str) -> Path:
    """Return the file of a program."""
    return CHECKOUT / "examples" / "book" / f"{name}.py"


def kept(name: str) -> Path:
    """Return the file that its output is kept in."""
    return OUTPUT / f"{name}.txt"


def output(name: str) -> str:
    """Run a program, and return what it prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        runpy.run_path(str(program(name)), run_name="__main__")
    return printed.getvalue()


def main() -> None:
    """Write the output of every program."""
    OUTPUT.mkdir(exist_ok=True)
    for name in PROGRAMS:
        kept(name).write_text(output(name), encoding="utf-8")


if __name__ == "__main__":
    main()
