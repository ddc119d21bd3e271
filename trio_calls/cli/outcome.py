"""How a command ends: in an exit status and, where it failed, in one sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import click
import trio

from trio_calls.concurrency.error_groups import first_error

ResultT = TypeVar("ResultT")

INTERRUPTED: Final = 130
TERMINATED: Final = 143


class Failure(click.ClickException):
    """Something that the user can mend. Shown as one line, with exit status 1."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        context = click.get_current_context(silent=True)
        self._command = context.command_path if context else "trio-calls"

    def format_message(self) -> str:
        """Say it, after the command's name."""
        return f"{self._command}: {self.message}"

    def show(self, file: object = None) -> None:
        """Print it on standard error."""
        click.echo(self.format_message(), err=True)


def run_trio(
    main: Callable[..., Awaitable[ResultT]],
    *arguments: object,
    mendable: type[Exception] | tuple[type[Exception], ...] = OSError,
) -> ResultT:
    """Run Trio, and turn the errors that users can mend into a sentence.

    Nurseries raise groups. One in which there is anything else is a fault of ours, and comes out as
    it is.

    Args:
      main: the asynchronous function.
      arguments: of `main`.
      mendable: the errors whose text is such a sentence.

    Raises:
      Failure: one of the `mendable` errors came out, which is its cause.
      KeyboardInterrupt: Control-C.
    """
    failure: Exception | None = None
    is_interrupted = False
    try:
        return trio.run(main, *arguments)
    except* KeyboardInterrupt:
        is_interrupted = True
    except* mendable as errors:
        failure = first_error(errors)
    if is_interrupted:
        raise KeyboardInterrupt
    assert failure is not None
    raise Failure(sentence_of(failure)) from failure


def sentence_of(error: Exception) -> str:
    """Say an error in one line: the system's own words for one of its errors."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror}{where}"
    return " ".join(str(error).split()) or type(error).__name__
