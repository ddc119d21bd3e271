"""Sessions: who may have a call. A session is open to everybody until one SDK claims it."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

import attrs

from trio_calls.audio_format import AudioFormat
from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.simulator.exchange.identifiers import Identifiers
from trio_calls.simulator.phones.agent_wire import AgentWire
from trio_calls.wire.call_flow import CallFlow
from trio_calls.wire.first.control import CallIn, SessionNotify
from trio_calls.wire.first.session_list import (
    BEGUN_BY_CONNECTOR,
    BEGUN_BY_SDK,
    CLOSED,
    OPEN,
    SessionClosure,
    SessionInfo,
)
from trio_calls.wire.message import Message
from trio_calls.wire.names import SESSION_BUSY, SESSION_CLOSED, SESSION_NOT_FOUND, TELEPHONE
from trio_calls.wire.responses import Response

#: The path of media connections on the exchange, before the call's id.
MEDIA_PATH: Final = "/v1/agent/media/"

_NEW_INCOMING_CALL: Final = "NEW_INCOMING_CALL"


@attrs.define(eq=False)
class ConnectedSdk(ABC):
    """An SDK at the other end of a control connection.

    Attributes:
      connection_id: the id of that connection.
      audio_format: how it wants to hear its calls, and speaks in them.
      send: queues a message to it; without effect when the connection is gone.
      takes_turns: whether it is told only of its share of what there is.
      keeps_claims: whether what it has claimed is its own without its control connection, too.
      agent_wire: how its audio in a call travels.
      call_flow: what it wants to be offered; None: inbound calls and messages.
      is_gone: returns whether that connection is over, though it may not have been noticed yet.
    """

    takes_turns: ClassVar[bool]
    keeps_claims: ClassVar[bool]
    agent_wire: ClassVar[type[AgentWire]]

    connection_id: str
    audio_format: AudioFormat
    send: Callable[[Message], None]
    call_flow: CallFlow | None = None
    is_gone: Callable[[], bool] = lambda: False

    @abstractmethod
    def offer(self, session: ClaimedSession) -> None:
        """Offer it a session."""

    @abstractmethod
    def tell_closed(self, session_id: str, reason: str) -> None:
        """Tell it that a session which it has is over."""

    def takes(self, session: Session) -> bool:
        """Return whether it wants to be offered a call."""
        inbound_calls = "ALL" if self.call_flow is None else self.call_flow.inbound_calls
        return inbound_calls == "ALL" or (self.takes_missed and session.call.was_missed)

    @property
    def takes_messages(self) -> bool:
        """Whether it wants to be offered conversations."""
        return self.call_flow is None or self.call_flow.inbound_messages

    @property
    def takes_missed(self) -> bool:
        """Whether it wants those calls that nobody else has picked up."""
        return self.call_flow is not None and self.call_flow.inbound_calls == "MISSED_ONLY"


class ClaimedSession(ABC):
    """A session that the first SDK has that claims it, until that is gone, or it is closed.

    Attributes:
      offer: the message that offers it to everybody.
      holder: who claimed it last, or None.
      closure: when and why it was closed; None while it is open.
    """

    def __init__(
        self, offer: SessionNotify, identifiers: Identifiers, *, is_started_here: bool
    ) -> None:
        self.offer: SessionNotify = offer
        self.holder: ConnectedSdk | None = None
        self.closure: SessionClosure | None = None
        self._identifiers = identifiers
        self._is_started_here = is_started_here

    @property
    def is_closed(self) -> bool:
        """Whether it is over for agents."""
        return self.closure is not None

    @property
    def info(self) -> SessionInfo:
        """What a list of sessions says of it."""
        return SessionInfo(
            session_id=self.offer.session_id,
            channel=self.offer.channel,
            initiator=BEGUN_BY_SDK if self._is_started_here else BEGUN_BY_CONNECTOR,
            state=CLOSED if self.is_closed else OPEN,
            remote_address=self.offer.remote_address,
            local_address=self.offer.local_address,
            opened_at=self.offer.created_at,
            closed_at=None if self.closure is None else self.closure.closed_at,
        )

    def open(self, request_id: str, sdk: ConnectedSdk) -> Response:
        """Give it to an SDK that claims it: the first has it, and may claim it again."""
        if self.is_closed:
            return refusal(request_id, SESSION_CLOSED)
        if self.holder is not None and self.holder is not sdk:
            return refusal(request_id, SESSION_BUSY, boundSmWsId=self.holder.connection_id)
        self.give_to(sdk)
        session = {
            "id": self.offer.session_id,
            "channel": self.offer.channel,
            "remoteAddress": self.offer.remote_address,
            "localAddress": self.offer.local_address,
            "openedAt": self.offer.created_at,
        }
        return Response(request_id, is_ok=True, content={"session": session})

    def give_to(self, sdk: ConnectedSdk) -> None:
        """Give it to an SDK."""
        self.holder = sdk
        self._claimed(sdk)

    def release(self) -> None:
        """Take it away from its holder."""
        self.holder = None

    @abstractmethod
    def _claimed(self, sdk: ConnectedSdk) -> None:
        """Act on its claim."""

    def _end(self, reason: str) -> None:
        """Close it, and tell its holder why."""
        self.closure = SessionClosure(self._identifiers.unix_seconds(), reason)
        if self.holder is not None:
            self.holder.tell_closed(self.offer.session_id, reason)


class Session(ClaimedSession):
    """A call on offer, claimed, or closed.

    Args:
      call: the call.
      identifiers: makes up dates and tokens.
      on_off_offer: called with this session when nobody else may claim it any more.

    Attributes:
      call: the call.
      claimed_in: on the second wire, the name of the session that it was claimed in last.
    """

    def __init__(
        self,
        call: ExchangeCall,
        identifiers: Identifiers,
        on_off_offer: Callable[[Session], None],
    ) -> None:
        offer = SessionNotify(
            session_id=call.session_id,
            channel=TELEPHONE,
            remote_address=call.caller.number,
            local_address=call.callee.number,
            activity=_NEW_INCOMING_CALL,
            created_at=identifiers.unix_seconds(),
        )
        super().__init__(offer, identifiers, is_started_here=call.is_outgoing)
        self.call: ExchangeCall = call
        self.claimed_in: str | None = None
        self._on_off_offer = on_off_offer
        self._token: str | None = None

    @property
    def is_on_offer(self) -> bool:
        """Whether anybody may claim it."""
        return self.holder is None and not self.is_closed and not self.call.is_outgoing

    def _claimed(self, sdk: ConnectedSdk) -> None:
        self._on_off_offer(self)
        self.call.claim(sdk.audio_format, sdk.agent_wire)

    def media_access(self, base_url: str) -> tuple[str, str]:
        """Return where to open the media connection, and with which token. Older ones are void."""
        self._token = self._identifiers.token()
        return f"{base_url}{MEDIA_PATH}{self.call.call_id}", self._token

    def call_in(self, base_url: str) -> CallIn:
        """Make the message that says where and how to open the media connection."""
        url, token = self.media_access(base_url)
        caller, callee = self.call.caller, self.call.callee
        if self.call.is_outgoing:
            caller, callee = callee, caller
        return CallIn(
            session_id=self.call.session_id,
            call_id=self.call.call_id,
            caller_number=caller.number,
            callee_number=callee.number,
            url=url,
            token=token,
        )

    def admits(self, authorization: str) -> bool:
        """Return whether this header opens the media connection."""
        expected = f"Bearer {self._token}".encode()
        return self._token is not None and secrets.compare_digest(
            authorization.encode(errors="replace"), expected
        )

    def release(self) -> None:
        """Take it away from its holder, whose token is void then."""
        super().release()
        self.claimed_in = None
        self._token = None

    def close(self, reason: str) -> None:
        """Close it, and tell its holder why: the call is over for agents."""
        self._token = None
        self._on_off_offer(self)
        self._end(reason)


def session_not_found(request_id: str) -> Response:
    """Refuse the claim of a session that never was."""
    return refusal(request_id, SESSION_NOT_FOUND)


def refusal(request_id: str, error_code: str, **content: str) -> Response:
    """Refuse a request."""
    return Response(request_id, is_ok=False, error_code=error_code, error_content=content or None)
