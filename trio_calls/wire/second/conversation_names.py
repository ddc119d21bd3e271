"""Which session of this process is with whom, and in whose name: the wire itself names none."""

from __future__ import annotations

import uuid
from typing import Final, NamedTuple

from trio_calls.wire.control_wire import Offered, Written
from trio_calls.wire.names import NEW_INCOMING_MESSAGE
from trio_calls.wire.second.control import MessageIn

#: So many conversations are remembered, those in which something was written last.
MAX_CONVERSATIONS: Final = 20_000

#: So many messages are remembered that came, the latest, as each may come twice.
MAX_SEEN_MESSAGES: Final = 10_000


class Parties(NamedTuple):
    """Between whom a conversation is, and over which channel."""

    channel: str
    subscriber: str
    participant: str


class ConversationNames:
    """Gives each conversation a session's name, and keeps it."""

    def __init__(self) -> None:
        # In the order in which they were needed last.
        self._names: dict[Parties, str] = {}
        self._parties: dict[str, Parties] = {}
        # In the order in which they came; the values mean nothing.
        self._seen: dict[str, None] = {}

    def has(self, parties: Parties) -> bool:
        """Return whether there is a name for a conversation."""
        return parties in self._names

    def name_of(self, parties: Parties) -> str:
        """Return the name of a conversation, a new one if it has none."""
        name = self._names.pop(parties, None) or str(uuid.uuid4())
        if len(self._names) == MAX_CONVERSATIONS:
            del self._parties[self._names.pop(next(iter(self._names)))]
        self._names[parties] = name
        self._parties[name] = parties
        return name

    def find(self, name: str) -> Parties | None:
        """Return between whom the conversation of a session is; None if it is not remembered."""
        return self._parties.get(name)

    def written(self, message: MessageIn) -> Written | None:
        """Return where a message belongs, and what it says; None if it has come before."""
        if message.message_id in self._seen:
            return None
        if len(self._seen) == MAX_SEEN_MESSAGES:
            del self._seen[next(iter(self._seen))]
        self._seen[message.message_id] = None
        parties = Parties(message.channel, message.subscriber, message.participant)
        name = self.name_of(parties)
        offer = Offered(
            name, parties.channel, parties.participant, parties.subscriber, NEW_INCOMING_MESSAGE
        )
        return Written(name, message.participant, message.payload, offer)
