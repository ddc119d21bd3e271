"""Which call a task runs for."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

#: The id of the call that a task runs for; None where it runs for none. All tasks that are started
#: for a call inherit it, and so do the handlers of its events.
current_call_id: Final[ContextVar[str | None]] = ContextVar("current_call_id", default=None)
