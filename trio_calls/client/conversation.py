"""A conversation, as the application holds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from trio_calls._quoting import printable
from trio_calls.client.conversation_values import (
    ConversationEnding,
    IncomingMessage,
    SentMessage,
)
from trio_calls.client.message_session import MessageSession
from trio_calls.client.outgoing_messages import OutgoingMessages


class Conversation:
    """A conversation in writing, over WhatsApp for instance.

    Got from the handler of `trio_calls.events.INCOMING_MESSAGE`, or from
    `CallClient.open_conversation`. Iterate over it to read::

        async for message in conversation:
            await conversation.send(api_version="v23.0", data=answer(message))

    The loop ends when the conversation does, after everything that has come was read; so it does
    when the client drains. Nothing is raised and nothing is cancelled by that; `ending` tells how a
    conversation has ended, and its handler may go on for ``config.after_call_seconds``.

    Messages come in their order. Each goes to one reader: where several read, they share them. 1000
    messages may wait, and 2**25 characters in all conversations of a client; what comes beyond that
    is dropped, counted, and said in the log.

    It goes on over a lost connection: the client claims it again on the next one. Nothing that was
    received is lost, but what the partner writes meanwhile is the exchange's to keep.
    """

    def __init__(
        self,
        session: MessageSession,
        outgoing: OutgoingMessages,
        close: Callable[[MessageSession], Awaitable[None]],
    ) -> None:
        self._session = session
        self._outgoing = outgoing
        self._close = close

    def __repr__(self) -> str:
        state = "open" if self.ending is None else str(self.ending)
        return f"<Conversation {printable(self.session_id)}, {state}>"

    @property
    def session_id(self) -> str:
        """The exchange's name for the session. It stays when the connection is replaced."""
        return self._session.session_id

    @property
    def channel(self) -> str:
        """The channel of the session: ``WA`` for WhatsApp."""
        return self._session.channel

    @property
    def remote_address(self) -> str:
        """Who the conversation is with; empty if the exchange did not say."""
        return self._session.remote_address

    @property
    def local_address(self) -> str:
        """The address under which the application is written to; empty if not known."""
        return self._session.local_address

    @property
    def opened_at(self) -> float:
        """When the exchange opened the session, in seconds since 1970; 0 if it did not say."""
        return self._session.opened_at

    @property
    def ending(self) -> ConversationEnding | None:
        """How the conversation has ended; None while it is open."""
        return self._session.ending

    @property
    def dropped_messages(self) -> int:
        """How many messages were dropped, as too many were waiting to be read."""
        return self._session.unread.dropped

    def __aiter__(self) -> Self:
        """Return this, as asynchronous iterators do."""
        return self

    async def __anext__(self) -> IncomingMessage:
        """Wait for the next message.

        Raises:
          StopAsyncIteration: the conversation is over, or the client drains, and everything that
            has come was read.

        Cancellation: no message was taken. Always a checkpoint.
        """
        message = await self._session.next_message()
        if message is None:
            raise StopAsyncIteration
        return message

    async def send(self, *, api_version: str, data: Mapping[str, Any]) -> SentMessage:
        """Send a message, and wait for what the provider answers.

        It is sent once. While the connection is being replaced nothing is sent; while the session
        is being claimed again on a new one, this waits for that, 30 s at the most.

        Args:
          api_version: the version of the provider's API that `data` is written for, such as
            ``"v23.0"``.
          data: the message in the provider's own form, as it goes to the provider. At most 2**18
            characters as JSON.

        Returns:
          The provider's answer, with the id of the message.

        Raises:
          WSSMessagePayloadError: `data` is no JSON (NaN, bytes), or too much of it, and nothing
            was sent; or the exchange cannot read it.
          WSSSessionClosedError: the conversation is over, and nobody gets the message. It may leave
            a handler: that is no failure, and logged at DEBUG.
          WSSConnectionError: there is no connection now. Nothing was sent.
          WSSMessageInDoubtError: it was sent, and no answer came within 30 s or before the
            connection was lost.
          WSSSessionError: the exchange, or the provider, has refused it; see the subclasses.

        Cancellation: once it was sent, it goes out, and its answer is ignored.
        """
        return await self._outgoing.send(self._session, api_version, data)

    async def close(self) -> None:
        """Have the exchange close the conversation's session. Does nothing if it is over.

        Waits for the exchange's word that it is closed, for 10 s at the most. Readers end when
        everything that has come was read.

        Raises:
          ModuleNotFoundError, ValueError, WSSSessionError, WSSConnectionError: as
            `~trio_calls.sessions.Sessions.close`, which is used for it. The conversation is over
            for this application all the same.

        Cancellation: the exchange is asked all the same. When the client is left meanwhile, it has
        ``config.close_grace_seconds`` for the answer.
        """
        await self._close(self._session)
