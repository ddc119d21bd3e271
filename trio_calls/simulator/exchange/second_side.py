"""The exchange, as SDKs of the second wire know it: calls by turns, sessions that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_calls.simulator.exchange.rotation import Rotation
from trio_calls.simulator.exchange.sessions import ConnectedSdk, Session, refusal
from trio_calls.simulator.exchange.subscriber_sessions import SubscriberSessions
from trio_calls.wire.first.messaging import MessageOut as WrittenMessage
from trio_calls.wire.message import MAX_NAME_LENGTH
from trio_calls.wire.names import (
    CALL_NOT_FOUND,
    CHANNEL_NOT_CONFIGURED,
    INVALID_REQUEST,
    PARTICIPANTS_FULL,
    SESSION_NOT_FOUND,
    SUBSCRIBER_MISMATCH,
    TELEPHONE,
    WHATSAPP,
)
from trio_calls.wire.responses import Response
from trio_calls.wire.second.codec import content_of
from trio_calls.wire.second.control import (
    Address,
    ClaimedCall,
    CreateCall,
    CreatedCall,
    MessageIn,
    MessageOut,
    SessionClaim,
    SessionOpen,
    SessionOpened,
    TriggerConditionsSetup,
)
from trio_calls.wire.second.session_list import SessionPage

if TYPE_CHECKING:
    from trio_calls.simulator.exchange.exchange import Exchange
    from trio_calls.simulator.exchange.message_sessions import MessageSession


class SecondSide:
    """Tells SDKs of calls and messages, and does what they ask.

    Args:
      exchange: whose calls and messages they are.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rotation = Rotation(exchange.nursery)
        self._sessions = SubscriberSessions(exchange.identifiers.date)
        # Kept for those who connect later.
        self._call_flow: TriggerConditionsSetup | None = None

    def connected(self, sdk: ConnectedSdk) -> None:
        """Tell an SDK of what waits, and of its share of what comes."""
        sdk.call_flow = self._call_flow
        self._rotation.join(sdk)
        self._offer_what_waits()

    def lost(self, sdk: ConnectedSdk) -> None:
        """Pass on what an SDK was told of: it is gone."""
        self._rotation.leave(sdk)

    def offer(self, session: Session) -> None:
        """Tell one SDK of a call."""
        self._rotation.offer(session)

    def off_offer(self, session: Session) -> None:
        """Note that a call was claimed, by whomever, or is over."""
        self._rotation.settle(session)

    def deliver(self, conversation: MessageSession) -> bool:
        """Give what waits in a conversation to SDKs, each message to one of them.

        Returns:
          Whether something waited, and all of it was given.
        """
        has_waited = conversation.is_on_offer
        while conversation.is_on_offer:
            sdk = self._rotation.next(lambda each: each.takes_messages)
            if sdk is None:
                return False
            written = conversation.take_waiting()
            sdk.send(
                MessageIn(
                    self._exchange.identifiers.message_session_id(),
                    subscriber=conversation.local_address,
                    participant=conversation.remote_address,
                    channel=WHATSAPP,
                    payload=written.content,
                )
            )
        return has_waited

    def set_call_flow(self, setup: TriggerConditionsSetup) -> Response:
        """Tell the connector's SDKs of what it wants from now on, first of what waits already."""
        self._call_flow = setup
        for sdk in self._rotation.sdks:
            sdk.call_flow = setup
        self._offer_what_waits()
        return Response(setup.request_id, is_ok=True, content={})

    def open_session(self, request: SessionOpen) -> Response:
        """Make a session, or keep it."""
        opened = self._sessions.open(request.session_id, request.subscriber)
        if isinstance(opened, str):
            return refusal(request.request_id, opened)
        return Response(request.request_id, is_ok=True, content=content_of(SessionOpened(opened)))

    def claim(self, request: SessionClaim, sdk: ConnectedSdk) -> Response:
        """Give a call to an SDK that was told of it, or has it already.

        Whoever names the session that has it may be the same SDK on another connection, which has
        not heard that it was given the call.
        """
        session = self._sessions.find(request.session_id)
        if session is None:
            return refusal(request.request_id, SESSION_NOT_FOUND)
        claimed = self._exchange.find_session(request.call_id)
        if claimed is None or not self._may_claim(claimed, sdk, request.session_id):
            return refusal(request.request_id, CALL_NOT_FOUND)
        if session.subscriber != claimed.offer.local_address:
            return refusal(request.request_id, SUBSCRIBER_MISMATCH)
        if not session.admit(Address(TELEPHONE, claimed.offer.remote_address)):
            return refusal(request.request_id, PARTICIPANTS_FULL)
        claimed.give_to(sdk)
        claimed.claimed_in = request.session_id
        call = ClaimedCall(*self._exchange.media_access(claimed))
        return Response(request.request_id, is_ok=True, content=content_of(call))

    def create_call(self, request: CreateCall, sdk: ConnectedSdk) -> Response:
        """Prepare a call, which its SDK places by a command."""
        session = self._sessions.find(request.session_id)
        if session is None:
            return refusal(request.request_id, SESSION_NOT_FOUND)
        destination = request.destination
        if destination.network != TELEPHONE or not _is_number(destination.value):
            return refusal(request.request_id, INVALID_REQUEST)
        if not session.admit(destination):
            return refusal(request.request_id, PARTICIPANTS_FULL)
        try:
            call = self._exchange.start_call(destination.value, session.subscriber)
        except ValueError:
            # The subscriber is too long for a telephone number.
            return refusal(request.request_id, INVALID_REQUEST)
        created = self._exchange.session_of(call)
        created.give_to(sdk)
        access = self._exchange.media_access(created)
        content = content_of(CreatedCall(call.call_id, *access))
        return Response(request.request_id, is_ok=True, content=content)

    def take_message(self, request: MessageOut) -> Response:
        """Hand on what an SDK has written, to whom its content names."""
        session = self._sessions.find(request.session_id)
        if session is None:
            return refusal(request.request_id, SESSION_NOT_FOUND)
        if request.channel != WHATSAPP:
            return refusal(request.request_id, CHANNEL_NOT_CONFIGURED)
        receiver = request.content.data.get("to")
        if not _is_number(receiver):
            return refusal(request.request_id, INVALID_REQUEST)
        if not session.admit(Address(WHATSAPP, receiver)):
            return refusal(request.request_id, PARTICIPANTS_FULL)
        conversation = self._exchange.conversation_with(receiver, session.subscriber)
        return conversation.accept(
            WrittenMessage(
                request.request_id,
                conversation.session_id,
                request.client_message_id,
                request.content.api_version,
                request.content.data,
            )
        )

    def page(self, subscriber: str | None, offset: int, limit: int) -> SessionPage:
        """Return some of the sessions, from the `offset`-th on."""
        sessions = self._sessions.list(subscriber)
        end = offset + limit
        return SessionPage(
            tuple(sessions[offset:end]), next_cursor=str(end) if end < len(sessions) else None
        )

    def _may_claim(self, session: Session, sdk: ConnectedSdk, name: str) -> bool:
        if session.holder is not None:
            return session.holder is sdk or session.claimed_in == name
        return session.is_on_offer and self._rotation.knows(session, sdk)

    def _offer_what_waits(self) -> None:
        for session in self._exchange.on_offer:
            if not self._rotation.knows(session):
                self._rotation.offer(session)
            self._exchange.ring_callee_first(session)
        for conversation in self._exchange.conversations_on_offer:
            self.deliver(conversation)


def _is_number(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= MAX_NAME_LENGTH
