"""The second generation of the control connection: a call is told to one, who takes it.

::

    call.notify ──► `Offered` ── claim() ──► session.open, session.claim ──► `RingingCall`
    msg.in ───────► `Written` ── claim_conversation() ──► session.open

A session is nothing but a name, of this process's choice, under which it does something for one of
the connector's numbers. Each pair of parties has one, for one call after the other. The exchange
forgets those in which nothing happens. Where one is of no use any more, what needed it is asked for
once more in another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from trio_calls.audio_format import AudioFormat
from trio_calls.wire.codec import WireError
from trio_calls.wire.control_wire import Created, Exchange, News, Offered, RingingCall
from trio_calls.wire.message import Message
from trio_calls.wire.names import (
    CALL_NOT_FOUND,
    NEW_INCOMING_CALL,
    PARTICIPANTS_FULL,
    QUOTA_EXCEEDED,
    SESSION_NOT_FOUND,
    SUBSCRIBER_MISMATCH,
    TELEPHONE,
    WHATSAPP,
)
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.call_sessions import CallSessions
from trio_calls.wire.second.codec import decode_control, read_claimed, read_created_call
from trio_calls.wire.second.control import (
    MEDIA_CAPABILITIES,
    MEDIA_PROTOCOL_VERSION,
    Address,
    CallNotify,
    CreateCall,
    MessageContent,
    MessageIn,
    MessageOut,
    SessionClaim,
    SessionOpen,
    Setup,
    TriggerConditionsSetup,
)
from trio_calls.wire.second.conversation_names import ConversationNames, Parties

#: So many calls that were told of are remembered, the latest. None rings for as long as it takes to
#: be told of so many more.
MAX_NOTIFIED_CALLS: Final = 20_000

#: The same for calls that were prepared, and never taken up.
MAX_PREPARED_CALLS: Final = 1000

#: These are about one session: a new one may do.
_SPOILT: Final = frozenset({SESSION_NOT_FOUND, SUBSCRIBER_MISMATCH, PARTICIPANTS_FULL})

#: In place of an error code, for the log.
_NONSENSE: Final = "its answer makes no sense"


class SecondControl:
    """Makes and reads the messages. Keeps who calls whom, which a claim does not say again."""

    vital_types: frozenset[str] = frozenset({CallNotify.wire_type, MessageIn.wire_type})

    #: Nothing is heard of a claimed call but on its media connection.
    follows_claims: bool = False
    offers_to_all: bool = False
    #: Then another SDK is told of it, or the same one again.
    claim_seconds: float = 10.0
    forgets_sessions: bool = True

    def __init__(self) -> None:
        # By the exchange's names, in the order in which they came.
        self._notified: dict[str, CallNotify] = {}
        # Those of our own, which are not taken up yet; as above.
        self._prepared: dict[str, RingingCall] = {}
        self._sessions = CallSessions()
        self._conversations = ConversationNames()

    def setup(self, audio_format: AudioFormat) -> Message:
        """Return what is sent first. See `ControlWire`."""
        return Setup(
            audio_format.sample_rate,
            audio_format.mode.value,
            MEDIA_PROTOCOL_VERSION,
            MEDIA_CAPABILITIES,
        )

    def read(self, frame: str) -> News | Response | SetupDone | None:
        """Read a text frame that came. See `ControlWire`."""
        match decode_control(frame):
            case Response() | SetupDone() as answer:
                return answer
            case CallNotify() as notify:
                return self._offer_of(notify)
            case MessageIn() as message:
                return self._conversations.written(message)
            case _:
                return None

    async def claim(self, exchange: Exchange, session_id: str) -> Response:
        """Claim a call, in the session of its parties. See `ControlWire`."""
        prepared = self._prepared.pop(session_id, None)
        if prepared is not None:
            exchange.hear(prepared)
            return Response("", is_ok=True)
        notify = self._notified.get(session_id)
        if notify is None:
            return Response("", is_ok=False, error_code=CALL_NOT_FOUND)
        # Nobody knows whether two callers are one who do not say who they are.
        parties = Parties(notify.channel, notify.subscriber, notify.participant or session_id)
        response = await self._in_session(
            exchange,
            parties,
            lambda request_id, name: SessionClaim(request_id, name, session_id),
        )
        if not response.is_ok:
            return response
        try:
            claimed = read_claimed(response.content)
        except WireError:
            return attrs.evolve(response, is_ok=False, error_code=_NONSENSE)
        exchange.hear(
            RingingCall(
                session_id=session_id,
                call_id=session_id,
                caller_number=notify.participant,
                callee_number=notify.subscriber,
                url=claimed.url,
                token=claimed.token,
            )
        )
        return response

    async def claim_conversation(self, exchange: Exchange, session_id: str) -> Response:
        """Open a session, which is known by what was written in it. See `ControlWire`."""
        parties = self._conversations.find(session_id)
        if parties is None:
            return Response("", is_ok=False, error_code=SESSION_NOT_FOUND)
        return await self._open(exchange, session_id, parties.subscriber)

    async def create(
        self, exchange: Exchange, channel: str, remote_address: str, local_address: str | None
    ) -> Created:
        """Prepare a call to somebody, or begin to write. See `ControlWire`."""
        assert local_address is not None
        parties = Parties(channel, local_address, remote_address)
        if channel != TELEPHONE:
            return await self._begin(exchange, parties)
        to = Address(channel, remote_address)
        response = await self._in_session(
            exchange, parties, lambda request_id, name: CreateCall(request_id, name, to)
        )
        if not response.is_ok:
            return Created(response)
        created = read_created_call(response.content)
        if len(self._prepared) == MAX_PREPARED_CALLS:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[created.call_id] = RingingCall(
            session_id=created.call_id,
            call_id=created.call_id,
            caller_number=local_address,
            callee_number=remote_address,
            url=created.url,
            token=created.token,
            is_prepared=True,
        )
        return Created(response, created.call_id)

    def listen(self, exchange: Exchange, session_id: str) -> None:
        """Do nothing: there is no word for it. See `ControlWire`."""

    def call_flow(self, request_id: str, **what: Any) -> Message:
        """Return the request that says what is to be offered. See `ControlWire`."""
        return TriggerConditionsSetup(request_id, **what)

    def message(
        self,
        request_id: str,
        session_id: str,
        client_message_id: str,
        api_version: str,
        data: dict[str, Any],
    ) -> Message:
        """Return the request that sends a written message. See `ControlWire`."""
        parties = self._conversations.find(session_id)
        channel = WHATSAPP if parties is None else parties.channel
        content = MessageContent(api_version, data)
        return MessageOut(request_id, channel, session_id, client_message_id, content)

    async def _begin(self, exchange: Exchange, parties: Parties) -> Created:
        """Begin to write to somebody."""
        is_new = not self._conversations.has(parties)
        name = self._conversations.name_of(parties)
        return Created(await self._open(exchange, name, parties.subscriber), name, is_new)

    def _offer_of(self, notify: CallNotify) -> Offered:
        self._notified.pop(notify.call_id, None)
        if len(self._notified) == MAX_NOTIFIED_CALLS:
            del self._notified[next(iter(self._notified))]
        self._notified[notify.call_id] = notify
        return Offered(
            notify.call_id,
            notify.channel,
            remote_address=notify.participant or "",
            local_address=notify.subscriber,
            activity=NEW_INCOMING_CALL,
            created_at=notify.created_at,
        )

    async def _in_session(
        self,
        exchange: Exchange,
        parties: Parties,
        make_request: Callable[[str, str], Message],
    ) -> Response:
        """Ask for something in the session of two parties; once more in another, if that may do.

        Args:
          exchange: is asked.
          parties: whose session.
          make_request: makes the request from its id and the session's name.
        """
        name = self._sessions.name_of(parties)
        response = await self._open_and_ask(exchange, name, parties, make_request)
        other = self._other_session(parties, response.error_code)
        if other is None:
            return response
        return await self._open_and_ask(exchange, other, parties, make_request)

    def _other_session(self, parties: Parties, error_code: str | None) -> str | None:
        """Return in which session to ask again, now that this was refused; None for in none."""
        if error_code in _SPOILT:
            return self._sessions.rename(parties)
        if error_code == QUOTA_EXCEEDED:
            return self._sessions.share(parties)
        return None

    async def _open_and_ask(
        self,
        exchange: Exchange,
        name: str,
        parties: Parties,
        make_request: Callable[[str, str], Message],
    ) -> Response:
        response = await self._open(exchange, name, parties.subscriber)
        if not response.is_ok:
            return response
        return await exchange.request(lambda request_id: make_request(request_id, name))

    async def _open(self, exchange: Exchange, name: str, subscriber: str) -> Response:
        return await exchange.request(lambda request_id: SessionOpen(request_id, name, subscriber))
