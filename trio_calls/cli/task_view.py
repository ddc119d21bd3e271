"""Shows the tree of a program's tasks to whoever asks for it with a signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Final, TypeVar

import click
import trio

from trio_calls.cli.outcome import Failure

ResultT = TypeVar("ResultT")

#: None on Windows, which has no such signal.
_SIGNAL: Final[signal.Signals | None] = getattr(signal, "SIGUSR1", None)


def require_task_view() -> None:
    """Refuse to show tasks where that cannot be done."""
    if _SIGNAL is None:
        raise click.UsageError("--show-tasks needs a system with SIGUSR1, like Linux or macOS")
    if find_spec("stackscope") is None:
        raise Failure("--show-tasks needs stackscope: pip install 'trio-calls[tasks]'")


async def showing_tasks(main: Callable[..., Awaitable[ResultT]], *arguments: object) -> ResultT:
    """Run an asynchronous function, and print the tree of tasks whenever SIGUSR1 comes.

    The tree goes to standard error.

    Args:
      main: the function.
      arguments: its arguments.

    Returns:
      What the function returns.
    """
    # Only here, as it takes its time, and yet not in the midst of calls.
    from trio_calls.testing import draw_tasks  # noqa: PLC0415

    async with trio.open_nursery() as nursery:
        await nursery.start(_show_tasks, draw_tasks)
        result = await main(*arguments)
        nursery.cancel_scope.cancel()
    return result


async def _show_tasks(draw: Callable[[], str], *, task_status: trio.TaskStatus[None]) -> None:
    assert _SIGNAL is not None
    with trio.open_signal_receiver(_SIGNAL) as signals:
        task_status.started()
        async for _ in signals:
            # Written in one piece: workers share the output.
            click.echo(f"the tasks of process {os.getpid()}:\n{draw()}", err=True, nl=False)
