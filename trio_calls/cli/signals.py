"""Waiting for Control-C and SIGTERM in a task, and the exit status after them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import trio

from trio_calls.cli.outcome import INTERRUPTED

ResultT = TypeVar("ResultT")


def status_after(number: int, *, if_terminated: int, prefix: str = "") -> int:
    """Print that a signal has ended the command, and return the exit status.

    Args:
      number: the number of the signal.
      if_terminated: the exit status after SIGTERM.
      prefix: the name of this process, where several share the output.
    """
    # A terminal shows Control-C as ^C, at the beginning of this line.
    line_end = "\n" if sys.stderr.isatty() and not prefix else ""
    is_interrupt = number == signal.SIGINT
    word = "interrupted" if is_interrupt else "terminated"
    # Written in one piece: see `trio_calls.cli.run`.
    click.echo(f"{line_end}{prefix}{word}", err=True)
    return INTERRUPTED if is_interrupt else if_terminated


async def run_until_signal(main: Callable[[], Awaitable[ResultT]]) -> ResultT | signal.Signals:
    """Run an asynchronous function until it returns, or until SIGINT or SIGTERM cancels it.

    Returns:
      What the function has returned, or else the signal.
    """
    outcome: list[ResultT | signal.Signals] = []
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:

            @nursery.start_soon
            async def run() -> None:
                outcome.append(await main())
                nursery.cancel_scope.cancel()

            outcome.append(signal.Signals(await anext(signals)))
            nursery.cancel_scope.cancel()
    return outcome[0]
