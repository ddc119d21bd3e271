"""Logging that ends no call, whatever an application's logging does."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from typing import Any


class CalmLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that raises nothing.

    What is logged runs code of the application, its filters and handlers, in whatever task logs it,
    be it the one that keeps all calls alive. `logging` itself reports what handlers fail with, and
    lets out what filters do.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a message, as the method of `logging.Logger` does."""
        if not self.isEnabledFor(level):
            return
        try:
            # The caller is not this line, but whoever has called it.
            self.logger.log(level, msg, *args, stacklevel=2, **kwargs)
        except Exception:
            _report()


def _report() -> None:
    """Do with the present exception as `logging.Handler.handleError` does."""
    if logging.raiseExceptions and sys.stderr is not None:
        with suppress(OSError, ValueError):
            print("--- Logging error ---", file=sys.stderr)
            traceback.print_exc()


def get_logger(name: str) -> CalmLogger:
    """Return the logger of a name, as `logging.getLogger` does, in its calm form."""
    return CalmLogger(logging.getLogger(name))
