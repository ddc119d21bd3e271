"""Telling which call a log record belongs to."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, Final

from trio_calls.call.current import current_call_id

#: What a log record says where it belongs to no call.
_NO_CALL: Final = "-"


def get_call_id() -> str | None:
    """Return the id of the call that the present task runs for; None if it runs for none.

    That is the handler of the call, whatever it starts in a nursery or a thread of Trio's, and the
    handlers of the call's events.
    """
    return current_call_id.get()


class CallIdFilter(logging.Filter):
    """A filter of `logging` that gives each record a ``call_id``, and keeps all of them.

    ::

        handler = logging.StreamHandler()
        handler.addFilter(CallIdFilter())
        handler.setFormatter(logging.Formatter("%(levelname)s [%(call_id)s] %(message)s"))

    It belongs to a handler: a filter of a logger does not see the records of the loggers below it.
    Records that belong to no call say ``-``. One that has a ``call_id`` already keeps it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Give a record its ``call_id``."""
        if not hasattr(record, "call_id"):
            record.call_id = current_call_id.get() or _NO_CALL
        return True


def add_call_id(
    logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add ``call_id`` to what is logged, where it belongs to a call: a processor for structlog.

    ::

        structlog.configure(processors=[add_call_id, structlog.processors.JSONRenderer()])

    Args:
      logger: the logger that is wrapped.
      method_name: what was called on it.
      event_dict: what is logged. A ``call_id`` that is there already stays.
    """
    call_id = current_call_id.get()
    if call_id is not None:
        event_dict.setdefault("call_id", call_id)
    return event_dict
