"""How a command ends: with an exit status and, if it failed, with one sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import click
import trio

from trio_calls.concurrency.error_groups import first_error, plain_program_end

ResultT = TypeVar("ResultT")

INTERRUPTED: Final = 130
TERMINATED: Final = 143


class Failure(click.ClickException):
    """An error that the user can fix. Shown as one line, with exit status 1."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        context = click.get_current_context(silent=True)
        self._command = context.command_path if context else "trio-calls"

    def format_message(self) -> str:
        """Return the sentence, after the command's name."""
        return f"{self._command}: {self.message}"

    def show(self, file: object = None) -> None:
        """Print the sentence on standard error."""
        click.echo(self.format_message(), err=True)


def run_trio(
    main: Callable[..., Awaitable[ResultT]],
    *arguments: object,
    mendable: type[Exception] | tuple[type[Exception], ...] = OSError,
) -> ResultT:
    """Run Trio, and turn the errors that users can fix into a sentence.

    Nurseries raise groups. A group that holds any other error is our fault, and is raised as it is.

    Args:
      main: the asynchronous function to run.
      arguments: the arguments of `main`.
      mendable: the types of the errors that users can fix, whose text is such a sentence.

    Raises:
      Failure: `main` raised one of the `mendable` errors, which is the cause of this one.
      KeyboardInterrupt: Control-C was pressed.
      SystemExit: a handler exits.
    """
    failure: Exception | None = None
    is_interrupted = False
    try:
        with plain_program_end():
            return trio.run(main, *arguments)
    except* KeyboardInterrupt:
        is_interrupted = True
    except* mendable as errors:
        failure = first_error(errors)
    if is_interrupted:
        raise KeyboardInterrupt
    assert failure is not None
    raise Failure(sentence_of(failure)) from failure


def sentence_of(error: BaseException) -> str:
    """Return the text of an error in one line; for an `OSError`, the system's own words."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror}{where}"
    return " ".join(str(error).split()) or type(error).__name__
