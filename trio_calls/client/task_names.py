"""Names of tasks that run for something that the exchange has named."""

from __future__ import annotations

from typing import Final

from trio_calls._quoting import printable

#: So much of the exchange's name is shown: it may have chosen a long one.
_SHOWN_CHARACTERS: Final = 40


def task_name(kind: str, name: str) -> str:
    """Return the name of a task that runs for a session, a call or a conversation.

    Args:
      kind: what it is.
      name: the exchange's name for it.
    """
    return f"trio_calls: {kind} {printable(name, _SHOWN_CHARACTERS)}"
