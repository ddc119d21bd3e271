"""Raises single errors without the exception groups of the nurseries around them."""

from __future__ import annotations

from types import TracebackType


class PlainErrors:
    """A block that raises a single error without the groups around it. Groups of several stay."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        group = error
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if error is None or error is group:
            return
        # Raising it here makes the group its context, and a report would show both.
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context
