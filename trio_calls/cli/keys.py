"""Single keys that are pressed at the terminal, while something is shown there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

#: So many bytes of what was typed are taken at once.
_READ_BYTES: Final = 1024


def has_keys() -> bool:
    """Return whether keys can be read: from a terminal, which no other program has just now."""
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        # Who is in the background would be stopped for touching it.
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return True  # It is not the terminal that this process is controlled from.


async def obey_keys(obey: Callable[[str], object]) -> None:
    """Call a function with each key as it is pressed, until cancelled.

    Signals, such as that of Control-C, come as ever. Returns at once where there are no keys, and
    when the terminal is gone.

    Cancellation: leaves the terminal as it was.
    """
    if not has_keys():
        return
    descriptor = sys.stdin.fileno()
    with _key_by_key(descriptor):
        while True:
            await trio.lowlevel.wait_readable(descriptor)
            typed = os.read(descriptor, _READ_BYTES)
            if not typed:
                return
            for key in typed.decode(errors="ignore"):
                obey(key)


@contextmanager
def _key_by_key(descriptor: int) -> Iterator[None]:
    """Let keys come without Return, and without being shown, inside the block."""
    import termios  # noqa: PLC0415  # not on Windows
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
