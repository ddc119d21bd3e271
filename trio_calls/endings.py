"""How a call has ended for its agent."""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.state import IdentityEnum


class EndCause(IdentityEnum):
    """What ended a call for its agent."""

    CALLER = "CALLER"
    """The exchange said that the call is over: the caller has hung up, or in a conference everybody
    else. The wire does not tell who."""

    CLOSE = "CLOSE"
    """The agent left, by `close()` or as its handler returned. After `connect()` caller and callee
    go on talking."""

    DISCONNECT = "DISCONNECT"
    """The agent ended the call for everybody, by `disconnect()`."""

    LOST = "LOST"
    """The media connection was lost. What became of caller and callee is up to the exchange."""

    DRAINED = "DRAINED"
    """The agent left because its client did: the time to drain was over, or the client's scope was
    cancelled."""

    FAILED = "FAILED"
    """The agent left because its handler had failed."""

    HANDED_OVER = "HANDED_OVER"
    """Another process has the call, by `hand_over()`. What becomes of it is told there only."""


_WORDS: Final = {
    EndCause.CALLER: "the caller hung up",
    EndCause.CLOSE: "the agent closed it",
    EndCause.DISCONNECT: "the agent disconnected it",
    EndCause.LOST: "the media connection was lost",
    EndCause.DRAINED: "the agent left, as its client did",
    EndCause.FAILED: "the agent left, as its handler had failed",
    EndCause.HANDED_OVER: "it was handed over",
}


@attrs.frozen
class Ending:
    """How a call has ended for its agent. As text it is a phrase for a log.

    Attributes:
      cause: what ended it.
      close_code: the code with which the exchange closed the media connection (RFC 6455, section
        7.4), where the call ended by that; None otherwise.
      detail: what else is known, such as the exchange's reason, or who has the call now; empty
        where nothing is.
    """

    cause: EndCause
    close_code: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        words = _WORDS[self.cause]
        return f"{words} ({self.detail})" if self.detail else words
