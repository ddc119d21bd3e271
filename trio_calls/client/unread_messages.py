"""What was written to an application, and not read by it yet. Pure.

There is a bound for each conversation, and one for all of a client's together. What comes when
there is no room is dropped, and counted; what waits already is never thrown away for it.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.client.conversation_values import IncomingMessage

#: So many may wait in one conversation.
MAX_UNREAD_MESSAGES: Final = 1000

#: So long may be, together, what waits in all conversations of a client, in characters.
MAX_UNREAD_CHARACTERS: Final = 2**25


@attrs.define(eq=False)
class Backlog:
    """What waits in all conversations of a client together.

    Attributes:
      characters: about how long it is.
    """

    characters: int = 0


@attrs.define(eq=False)
class UnreadMessages:
    """What waits in one conversation, the oldest first.

    Attributes:
      dropped: how many messages there was no room for.
    """

    _backlog: Backlog
    dropped: int = 0
    # There are thousands of these, most of them empty: a deque takes ten times as much.
    _waiting: list[tuple[IncomingMessage, int]] = attrs.field(factory=list, init=False)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, message: IncomingMessage) -> bool:
        """Keep a message until it is taken. Returns whether there was room for it."""
        size = len(message.sender) + len(repr(message.content))
        is_too_much = self._backlog.characters + size > MAX_UNREAD_CHARACTERS
        if len(self._waiting) >= MAX_UNREAD_MESSAGES or is_too_much:
            self.dropped += 1
            return False
        self._backlog.characters += size
        self._waiting.append((message, size))
        return True

    def take(self) -> IncomingMessage:
        """Take out the oldest."""
        message, size = self._waiting.pop(0)
        self._backlog.characters -= size
        return message

    def drop_all(self) -> int:
        """Drop what waits. Returns how many messages that was."""
        number = len(self._waiting)
        self._backlog.characters -= sum(size for _, size in self._waiting)
        self._waiting.clear()
        self.dropped += number
        return number
