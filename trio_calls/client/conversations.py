"""The conversations of a client: claims what the exchange offers, and knows whose each session is.

::

    session.notify ──► waits for a handler ──► claim ──► handler of INCOMING_MESSAGE
    open_conversation() ────────────────────────►│ ──► the block
                                                 ▲
    new control connection ── every session ─────┘

A session that was claimed stays this client's until it is over, or its control connection is lost.
So when a handler has returned, or a block was left, and more is written, the handler is called
again: nobody else would be told. There is one scope at a time for each session.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls.client.claims import CLAIM_AGAIN_SECONDS, is_granted, refusal_level
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.conversation import Conversation
from trio_calls.client.conversation_claims import ConversationClaims
from trio_calls.client.conversation_handlers import ConversationHandler, ConversationHandlers
from trio_calls.client.conversation_values import (
    ConversationEnd,
    ConversationEnding,
    IncomingMessage,
)
from trio_calls.client.message_session import MessageSession
from trio_calls.client.offer_judge import OfferJudge
from trio_calls.client.offer_queue import OfferQueue
from trio_calls.client.outgoing_messages import OutgoingMessages
from trio_calls.client.session_errors import refusal_of
from trio_calls.client.sessions import Sessions
from trio_calls.client.unread_messages import Backlog, UnreadMessages
from trio_calls.concurrency.grace import run_with_grace
from trio_calls.config import ClientConfig
from trio_calls.errors import (
    WSSConnectionError,
    WSSError,
    WSSMessageChannelError,
    WSSSessionClosedError,
)
from trio_calls.wire.control_wire import Offered, SessionEnded, Written
from trio_calls.wire.names import (
    SESSION_BUSY,
    SESSION_CLOSED,
    SESSION_NOT_FOUND,
    SESSION_NOT_OPEN,
    TELEPHONE,
    WHATSAPP,
)
from trio_calls.wire.responses import Response

logger = get_logger("trio_calls.conversations")

#: How long `session.closed` is waited for when the exchange was asked to close a session.
CLOSED_SECONDS: Final = 10.0

#: So many sessions there are, and no more begin with what somebody writes. One in which nothing is
#: to be done is forgotten for that, as the exchange forgets those in which nothing happens.
MAX_SESSIONS: Final = 10_000

#: What the exchange says of a session that is over: for good, and perhaps as it was asked to.
_OVER: Final = frozenset({SESSION_CLOSED, SESSION_NOT_FOUND})

#: How the refusal of a later claim ends a conversation; any other one does as `REFUSED`.
_ENDS: Final = {
    SESSION_BUSY: ConversationEnd.TAKEN,
    SESSION_CLOSED: ConversationEnd.EXCHANGE,
}


class Conversations:
    """What a client does with sessions in which people write.

    Args:
      config: of the client.
      control: where sessions are offered and claimed.
      judge: says which offers are claimed.
      listed: closes sessions.
    """

    # Holds claims that wait to be made again, while the client is open.
    _nursery: trio.Nursery

    def __init__(
        self,
        config: ClientConfig,
        control: ControlConnection,
        judge: OfferJudge,
        listed: Sessions,
    ) -> None:
        self._listed = listed
        self._grace_seconds = config.close_grace_seconds
        self._after_end_seconds = config.after_call_seconds
        self._control = control
        self._claims = ConversationClaims(control, self._claim_answered, self._take_up)
        self._outgoing = OutgoingMessages(control, self._message_refused)
        self._handlers = ConversationHandlers(
            crashes=config.crash_on_handler_error, quote=control.quote, on_done=self._let_go
        )
        self._backlog = Backlog()
        self._sessions: dict[str, MessageSession] = {}
        self._judge = judge
        self._queue = OfferQueue(judge.judge)
        self._stray_messages = 0

    @property
    def held(self) -> tuple[Conversation, ...]:
        """The conversations that a handler or a block holds, the oldest first."""
        return tuple(
            session.conversation
            for session in self._sessions.values()
            if session.users and session.conversation is not None
        )

    def start(self, nursery: trio.Nursery) -> None:
        """Choose the nursery for handlers and claims."""
        self._nursery = nursery
        self._claims.start(nursery)
        self._handlers.start(nursery)
        self._queue.start(nursery, self._take_up)

    def serve_with(self, handler: ConversationHandler) -> None:
        """Claim conversations from now on, those that wait first.

        Raises:
          ValueError: there is a handler already.
        """
        if self._handlers.handler is not None:
            raise ValueError("incoming messages have a handler already")
        self._handlers.handler = handler
        for session in list(self._sessions.values()):
            self._serve_unread(session)
        self._take_up()

    @asynccontextmanager
    async def open(self, session_id: str) -> AsyncIterator[Conversation]:
        """Hold one session for the block. See `CallClient.open_conversation`."""
        await trio.lowlevel.checkpoint()
        session = self._sessions.get(session_id)
        if session is None or session.ending is not None:
            session = self._add(session_id)
            self._queue.withdraw(session_id)
        session.users += 1
        try:
            while session.is_claim_open:
                await session.news.wait()
            yield self._claimed(session)
        finally:
            session.users -= 1
            self._let_go(session, True)

    def has(self, session_id: str) -> bool:
        """Return whether this client has a session, or is offered it, in which people write."""
        session = self._sessions.get(session_id)
        is_open = session is not None and session.ending is None
        return is_open or self._queue.keeps(session_id)

    def keep(self, session_id: str) -> None:
        """Take in a session that this client has claimed as something else, and what is written."""
        if not self.has(session_id):
            self._add(session_id)

    async def close(self, session: MessageSession) -> None:
        """End a conversation. See `Conversation.close`."""
        is_first = session.ending is None and not session.is_closing
        if is_first:
            session.is_closing = True
            try:
                self._nursery.start_soon(self._close, session)
            except RuntimeError:
                # The client has just been left, and nothing can be asked any more.
                self._end(session, ConversationEnding(ConversationEnd.LEFT))
        await trio.lowlevel.checkpoint()
        while session.ending is None:
            await session.news.wait()
        error = session.close_error
        if is_first and error is not None:
            # Its traceback leads here, and so to the session, which would be kept in memory by it.
            session.close_error = None
            try:
                raise error
            finally:
                del error

    async def _close(self, session: MessageSession) -> None:
        """Ask the exchange to close a session, whoever waits for it, and wait until it has."""

        async def close() -> None:
            if self._control.wire.forgets_sessions:
                return
            try:
                await self._listed.close(session.session_id)
            except Exception as error:
                # For whoever has asked, whatever it is: even an id that fits in no address.
                session.close_error = error
                return
            with trio.move_on_after(CLOSED_SECONDS):
                while session.ending is None:
                    await session.news.wait()

        try:
            await run_with_grace(self._grace_seconds, close)
        finally:
            self._end(session, ConversationEnding(ConversationEnd.CLOSED))

    def stop(self) -> None:
        """Leave offers to other workers, for good, and call the handler no more."""
        self._handlers.is_stopped = True
        self._queue.clear()

    def drain(self, within_seconds: float | None) -> None:
        """Take no more, and let every reader end. See `CallClient.drain`."""
        self.stop()
        for session in self._sessions.values():
            session.take_no_more()
            if within_seconds is not None:
                session.bring_forward(trio.current_time() + within_seconds)

    async def wait_drained(self) -> None:
        """Wait until no handler runs. No checkpoint if that is so already."""
        await self._handlers.wait_idle()

    def leave_all(self) -> None:
        """End every conversation: the client was left, and no handler runs any more."""
        for session in list(self._sessions.values()):
            self._end(session, ConversationEnding(ConversationEnd.LEFT))
            self._forget(session)

    def may_want(self, offer: Offered) -> bool:
        """Return whether this offers a conversation, for all that is known.

        Activities that are newer than this SDK are for the application to judge, if it does.
        """
        is_of_channel = offer.channel == WHATSAPP
        return offer.offers_conversation or (is_of_channel and self._judge.is_asked)

    def offered(self, offer: Offered) -> None:
        """Take up an offer, or keep it until there is a handler, and room.

        One of a session that is this client's is a repetition, and so is one that waits already.
        """
        session = self._sessions.get(offer.session_id)
        is_ours = session is not None and session.ending is None
        if self._handlers.is_stopped or is_ours or self._queue.has(offer.session_id):
            return
        self._queue.add(offer)
        self._take_up()

    def received(self, message: Written) -> None:
        """Give a message to its conversation."""
        session = self._session_of(message)
        if session is None:
            self._stray_messages += 1
            if _is_worth_a_line(self._stray_messages):
                logger.warning(
                    "messages were dropped, %d so far: their conversations are not open here",
                    self._stray_messages,
                )
            return
        if session.unread.add(IncomingMessage(message.sender, message.content)):
            session.news.wake()
            self._serve_unread(session)
            return
        dropped = session.unread.dropped
        if _is_worth_a_line(dropped):
            logger.warning(
                "conversation %s: messages are dropped, %d so far, as %d wait to be read already",
                self._name(session),
                dropped,
                len(session.unread),
            )

    def _session_of(self, message: Written) -> MessageSession | None:
        """Return the session of a message: one that is open here, or that begins with it."""
        session = self._sessions.get(message.session_id)
        if session is not None and session.ending is None:
            return session
        is_connected = self._control.connection_id is not None
        if message.offer is None or self._handlers.is_stopped or not is_connected:
            return None
        if len(self._sessions) >= MAX_SESSIONS and not self._forget_idle():
            return None
        return self._add(message.session_id, message.offer)

    def _forget_idle(self) -> bool:
        """Forget the oldest session in which nothing is to be done. Return whether there is one."""
        for session in self._sessions.values():
            if session.was_granted and not session.users and not session.unread:
                self._forget(session)
                return True
        return False

    def closed(self, message: SessionEnded) -> None:
        """End the conversation of a session, if it is one."""
        self._queue.withdraw(message.session_id)
        session = self._sessions.get(message.session_id)
        if session is None:
            return
        cause = ConversationEnd.CLOSED if message.is_wanted else ConversationEnd.EXCHANGE
        self._end(session, ConversationEnding(cause, self._control.quote(message.reason)))

    def control_connected(self) -> None:
        """Claim every session again on the new connection, but for those that nobody will read."""
        for session in list(self._sessions.values()):
            if session.ending is not None:
                continue
            if self._handlers.is_stopped and not session.users:
                self._end(session, ConversationEnding(ConversationEnd.LEFT))
            else:
                self._claims.add(session)

    def control_lost(self) -> None:
        """Forget what does not survive the control connection: offers, and first claims."""
        self._claims.connection_lost()
        self._queue.clear()
        for session in list(self._sessions.values()):
            if session.is_claim_open and not self._has_begun(session):
                session.is_lost = True
                self._forget(session)
            session.news.wake()

    def _has_begun(self, session: MessageSession) -> bool:
        """Return whether a session has begun with a message, which nobody else will be given."""
        is_ours = self._control.wire.forgets_sessions and bool(session.unread)
        return is_ours and not session.users

    def _take_up(self) -> None:
        """Claim as many sessions as there are offers, and room."""
        if self._handlers.handler is None or self._handlers.is_stopped:
            return
        while self._claims.have_room:
            waiting = self._queue.take(self._sessions)
            if waiting is None:
                return
            self._add(waiting.session_id, waiting.offer)

    def _add(self, session_id: str, offer: Offered | None = None) -> MessageSession:
        """Start a session, which begins with its claim."""
        if self._control.connection_id is None:
            raise WSSConnectionError("there is no connection to the exchange now")
        session = MessageSession(session_id, UnreadMessages(self._backlog))
        if offer is not None:
            session.remote_address = offer.remote_address
            session.local_address = offer.local_address
        session.takes_no_more = self._handlers.is_stopped
        session.conversation = Conversation(session, self._outgoing, self.close)
        self._sessions[session_id] = session
        self._claims.add(session)
        return session

    def _claim_answered(self, session: MessageSession, response: Response) -> None:
        if session.ending is not None:
            return
        if not is_granted(self._control, response):
            self._claim_refused(session, response)
            return
        is_first = not session.was_granted
        session.grant(self._control.connection_id, response)
        if session.channel == TELEPHONE:
            self._end(session, ConversationEnding(ConversationEnd.REFUSED, "it is a call"))
            return
        if self._handlers.is_stopped and not session.users:
            # Nobody would read it. Unless we listen, what was written stays the exchange's.
            self._end(session, ConversationEnding(ConversationEnd.LEFT))
            return
        try:
            self._control.wire.listen(self._control, session.session_id)
        except WSSConnectionError as error:
            logger.debug("a conversation was claimed as its connection was lost: %s", error)
        if is_first and not session.users:
            self._handlers.call_for(session)

    def _claim_refused(self, session: MessageSession, response: Response) -> None:
        code = self._control.quote(response.error_code or "no reason given")
        if not session.was_granted:
            logger.log(refusal_level(response), "a conversation could not be claimed: %s", code)
            session.refusal = response
            session.news.wake()
            self._forget(session)
        elif self._control.was_ours(response.holder):
            # The exchange has not noticed yet that it has lost that connection.
            self._nursery.start_soon(self._claim_later, session, self._control.connection_id)
        else:
            cause = _ENDS.get(response.error_code or "", ConversationEnd.REFUSED)
            if session.is_closing and response.error_code in _OVER:
                cause = ConversationEnd.CLOSED
            self._end(session, ConversationEnding(cause, code))

    async def _claim_later(self, session: MessageSession, connection_id: str | None) -> None:
        await trio.sleep(CLAIM_AGAIN_SECONDS)
        if session.ending is None and self._control.is_present(connection_id):
            self._claims.add(session)

    def _message_refused(self, session: MessageSession, error_code: str | None) -> None:
        """Act on what the refusal of a message tells about its session."""
        if session.ending is not None:
            return
        if error_code in _OVER and not self._control.wire.forgets_sessions:
            code = self._control.quote(error_code or "")
            cause = ConversationEnd.CLOSED if session.is_closing else ConversationEnd.EXCHANGE
            self._end(session, ConversationEnding(cause, code))
        elif error_code == SESSION_NOT_OPEN:
            # The answer to another claim tells whether it is over, or somebody else's.
            self._claims.add(session)

    def _claimed(self, session: MessageSession) -> Conversation:
        """Return the conversation of a session whose first claim was answered, if it is ours."""
        if session.channel == TELEPHONE:
            raise WSSMessageChannelError(
                "the session is a call, and no conversation", session_id=session.session_id
            )
        if session.was_granted and session.conversation is not None:
            return session.conversation
        raise self._why_not(session)

    def _why_not(self, session: MessageSession) -> WSSError:
        session_id = session.session_id
        if session.refusal is not None:
            return refusal_of(
                "to open the session", session.refusal, self._control.quote, session_id
            )
        if session.ending is not None:
            return WSSSessionClosedError(
                f"the session was closed as it was being opened: {session.ending}",
                session_id=session_id,
            )
        return WSSConnectionError("the connection was lost before the session was open")

    def _serve_unread(self, session: MessageSession) -> None:
        """Call the handler for what was written and nobody reads."""
        if session.unread and not session.users and session.was_granted:
            self._handlers.call_for(session)

    def _let_go(self, session: MessageSession, wants_more: bool) -> None:
        """Do what has to be done when somebody holds a session no longer.

        A handler that has read nothing would read nothing again: that waits for the next message.
        """
        if session.users:
            return
        if session.ending is not None:
            self._forget(session)
        elif wants_more:
            self._serve_unread(session)

    def _end(self, session: MessageSession, ending: ConversationEnding) -> None:
        if session.ending is None:
            session.end(ending, trio.current_time() + self._after_end_seconds)
            logger.debug("conversation %s: %s", self._name(session), ending)
        if not session.users:
            self._forget(session)

    def _forget(self, session: MessageSession) -> None:
        """Forget a session, and say what was written and never read."""
        if session.conversation is None:
            return
        session.conversation = None
        if self._sessions.get(session.session_id) is session:
            del self._sessions[session.session_id]
        never_read = session.unread.drop_all()
        if never_read:
            logger.warning(
                "conversation %s: %d messages were never read", self._name(session), never_read
            )
        self._take_up()

    def _name(self, session: MessageSession) -> str:
        return self._control.quote(session.session_id)


def _is_worth_a_line(count: int) -> bool:
    """Return whether to log what has happened so often: at first, and when that has doubled."""
    return not count & (count - 1)
