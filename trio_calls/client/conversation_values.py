"""What an application gets out of a conversation: messages, answers, how it has ended. Pure."""

from __future__ import annotations

from typing import Any, Final

import attrs

from trio_calls.state import IdentityEnum


@attrs.frozen
class IncomingMessage:
    """A message that somebody has written to the application.

    Attributes:
      sender: who has written it, as the exchange names them; for WhatsApp, a number without ``+``.
      content: what the provider says of it, as it came. Its shape depends on the kind of message.
    """

    # Wherever a message is shown, who has written it and what is not.
    sender: str = attrs.field(repr=False)
    content: dict[str, Any] = attrs.field(repr=False)


@attrs.frozen
class SentMessage:
    """A message that the application has written, and that the provider has taken.

    Attributes:
      client_message_id: the id that it was sent under.
      answer: what the provider has answered, as it came: any JSON.
    """

    client_message_id: str
    answer: Any = attrs.field(repr=False)


class ConversationEnd(IdentityEnum):
    """What ended a conversation for this application."""

    CLOSED = "CLOSED"
    """It was closed at the request of an application: by `Conversation.close`, or by another
    process."""

    EXCHANGE = "EXCHANGE"
    """The exchange closed it."""

    TAKEN = "TAKEN"
    """Another connection had it when this client had lost its own, and made a new one."""

    REFUSED = "REFUSED"
    """The exchange did not give it back to this client after a reconnect."""

    LEFT = "LEFT"
    """The client was left, or has drained. For the exchange, the session may still be open."""


_WORDS: Final = {
    ConversationEnd.CLOSED: "an application closed it",
    ConversationEnd.EXCHANGE: "the exchange closed it",
    ConversationEnd.TAKEN: "another connection has it",
    ConversationEnd.REFUSED: "the exchange did not give it back after a reconnect",
    ConversationEnd.LEFT: "this client was left",
}


@attrs.frozen
class ConversationEnding:
    """How a conversation has ended for this application. As text it is a phrase for a log.

    Attributes:
      cause: what ended it.
      detail: what else is known, such as the exchange's reason or code; empty where nothing is.
    """

    cause: ConversationEnd
    detail: str = ""

    def __str__(self) -> str:
        words = _WORDS[self.cause]
        return f"{words} ({self.detail})" if self.detail else words
