"""Errors in and out of the groups that nurseries raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import trio

ErrorT = TypeVar("ErrorT", bound=BaseException)

#: What is meant to end the whole program.
_ENDS_THE_PROGRAM: Final = (KeyboardInterrupt, SystemExit)


def first_error(group: BaseExceptionGroup[ErrorT]) -> ErrorT:
    """Return the first error in a group, however deep its groups are."""
    error = group.exceptions[0]
    return first_error(error) if isinstance(error, BaseExceptionGroup) else error


def holds_only(error: BaseException, kind: type[BaseException]) -> bool:
    """Return whether an error, or all of a group, is of a kind."""
    if isinstance(error, BaseExceptionGroup):
        return all(holds_only(inner, kind) for inner in error.exceptions)
    return isinstance(error, kind)


def split_failure(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Split what an application's function has raised.

    Whatever it is, it is that function's failure, and no more: an `asyncio.CancelledError` out of a
    thread, or what a clean-up has raised while it was being cancelled.

    Returns:
      The failure, and what has to go on: all of it where something is meant to end the program, and
      the `trio.Cancelled` of a scope around the caller. Either may be None.
    """
    if _has_any(error, _ENDS_THE_PROGRAM):
        return None, error
    # A Cancelled that nobody here has asked for is a failure as well: nothing would catch it.
    if trio.current_effective_deadline() > trio.current_time():
        return error, None
    if isinstance(error, BaseExceptionGroup):
        cancelled, failure = error.split(trio.Cancelled)
        return failure, cancelled
    return (None, error) if isinstance(error, trio.Cancelled) else (error, None)


@contextmanager
def plain_program_end() -> Iterator[None]:
    """Raise what is meant to end the program as it is, and not in the groups of nurseries.

    So that ``except KeyboardInterrupt`` sees it, and Python ends with its exit status. Other errors
    that came with it are its cause.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        ends = group.subgroup(_ENDS_THE_PROGRAM)
        if ends is None:
            raise
        is_all = group.split(_ENDS_THE_PROGRAM)[1] is None
        raise first_error(ends) from None if is_all else group


@contextmanager
def plain_single_error() -> Iterator[None]:
    """Raise what a nursery has raised as it is, and not in its group, if it is one error.

    So where a nursery's tasks raise nothing, it is what the block has raised. Tasks that were
    cancelled with it do not count: whoever goes on after the error is cancelled again.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        failures = [error for error in group.exceptions if not holds_only(error, trio.Cancelled)]
        if len(failures) > 1:
            raise
        error = failures[0] if failures else first_error(group)
        del failures
        # Raised here it would have the group for its context, and a report would show both.
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context
            del error, context


def _has_any(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_has_any(inner, kinds) for inner in error.exceptions)
    return isinstance(error, kinds)
