"""The sessions of the second wire: names that SDKs choose for what they do for a subscriber.

Nobody closes one. It is forgotten when nothing has happened in it for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from trio_calls.wire.names import QUOTA_EXCEEDED, SUBSCRIBER_MISMATCH
from trio_calls.wire.second.control import MAX_PARTICIPANTS, Address
from trio_calls.wire.second.session_list import SessionInfo

#: How long a session is kept in which nothing happens, in seconds.
IDLE_SECONDS: Final = 30 * 60.0

#: How many a connector may have.
MAX_SESSIONS: Final = 50_000

_MS_PER_SECOND: Final = 1000


@attrs.define(eq=False)
class SubscriberSession:
    """A session.

    Attributes:
      session_id: its name.
      subscriber: on whose behalf it is.
      created_at: when it was opened, in seconds since 1970.
      last_activity_at: when something last happened in it, in seconds since 1970.
      participants: with whom.
    """

    session_id: str
    subscriber: str
    created_at: float
    last_activity_at: float
    participants: list[Address] = attrs.field(factory=list)

    def admit(self, participant: Address) -> bool:
        """Add somebody. Returns False if it is full."""
        if participant in self.participants:
            return True
        if len(self.participants) == MAX_PARTICIPANTS:
            return False
        self.participants.append(participant)
        return True

    @property
    def info(self) -> SessionInfo:
        """What a list of sessions says of it."""
        return SessionInfo(
            self.session_id,
            self.subscriber,
            tuple(self.participants),
            int(self.created_at * _MS_PER_SECOND),
            int(self.last_activity_at * _MS_PER_SECOND),
        )


class SubscriberSessions:
    """The sessions of a connector.

    Args:
      now: returns the date, in seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        # By their names; whose activity is oldest comes first.
        self._sessions: dict[str, SubscriberSession] = {}

    def open(self, session_id: str, subscriber: str) -> bool | str:
        """Make a session, or keep it. Returns whether it is new, or why it cannot be opened."""
        session = self.find(session_id)
        if session is not None:
            return False if session.subscriber == subscriber else SUBSCRIBER_MISMATCH
        if len(self._sessions) >= MAX_SESSIONS:
            return QUOTA_EXCEEDED
        now = self._now()
        self._sessions[session_id] = SubscriberSession(session_id, subscriber, now, now)
        return True

    def find(self, session_id: str) -> SubscriberSession | None:
        """Find a session in which something happens now; None if there is none, or no longer."""
        self._evict()
        session = self._sessions.pop(session_id, None)
        if session is not None:
            session.last_activity_at = self._now()
            self._sessions[session_id] = session
        return session

    def list(self, subscriber: str | None) -> list[SessionInfo]:
        """Return what there is to say of every session, or of a subscriber's."""
        self._evict()
        wanted = (
            session
            for session in self._sessions.values()
            if subscriber in {None, session.subscriber}
        )
        return [session.info for session in sorted(wanted, key=lambda each: each.created_at)]

    def _evict(self) -> None:
        oldest = self._now() - IDLE_SECONDS
        while self._sessions:
            session = next(iter(self._sessions.values()))
            if session.last_activity_at > oldest:
                break
            del self._sessions[session.session_id]
