"""Which sessions there are, as the second wire's exchange lists them over HTTP, page by page."""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.wire.message import forgiven_text, text, wire
from trio_calls.wire.second.control import Address, address

#: The most sessions of a page, and how many it has where nobody asks for another number.
MAX_PAGE: Final = 200
DEFAULT_PAGE: Final = 50


@attrs.frozen
class SessionInfo:
    """A session, as the exchange lists it. What it did not say is empty.

    Attributes:
      session_id: its name, of an SDK's choice.
      subscriber: on whose behalf it is.
      participants: with whom.
      created_at: when it was opened, in milliseconds since 1970; None if it was not said.
      last_activity_at: when something last happened in it; as above.
    """

    session_id: str = text("sessionId", default="")
    subscriber: str = address("subscriber", default="")
    participants: tuple[Address, ...] = wire("participants", default=())
    created_at: float | None = wire("createdAt", default=None)
    last_activity_at: float | None = wire("lastActivityAt", default=None)


@attrs.frozen
class SessionPage:
    """A page of sessions.

    Attributes:
      items: the sessions.
      next_cursor: where the next page begins; None on the last page.
    """

    items: tuple[SessionInfo, ...] = wire("items")
    next_cursor: str | None = forgiven_text("nextCursor", default=None)
