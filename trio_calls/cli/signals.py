"""Control-C and SIGTERM, as something that a task can wait for."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable

import click
import trio

from trio_calls.cli.outcome import INTERRUPTED


def status_after(number: int, *, if_terminated: int, prefix: str = "") -> int:
    """Say that a signal has ended the command, and choose the exit status.

    Args:
      number: the signal's.
      if_terminated: the exit status after SIGTERM.
      prefix: who says so, where several processes share the output.
    """
    # A terminal shows Control-C as ^C, at the beginning of this line.
    line_end = "\n" if sys.stderr.isatty() and not prefix else ""
    is_interrupt = number == signal.SIGINT
    word = "interrupted" if is_interrupt else "terminated"
    # In one piece: see `trio_calls.cli.run`.
    click.echo(f"{line_end}{prefix}{word}", err=True)
    return INTERRUPTED if is_interrupt else if_terminated


async def run_until_signal(main: Callable[[], Awaitable[None]]) -> int:
    """Run something until SIGINT or SIGTERM comes, then cancel it.

    Returns:
      The signal's number.
    """
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            nursery.start_soon(main)
            number = await anext(signals)
            nursery.cancel_scope.cancel()
    return number
