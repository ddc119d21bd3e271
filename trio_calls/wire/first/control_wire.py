"""The first generation of the control connection: sessions are told to all, and then claimed."""

from __future__ import annotations

import math
from typing import Any

from trio_calls.audio_format import AudioFormat
from trio_calls.wire.control_wire import (
    Created,
    Exchange,
    News,
    Offered,
    RingingCall,
    SessionEnded,
    Written,
)
from trio_calls.wire.first.codec import decode_control, read_created
from trio_calls.wire.first.control import (
    SDK_REQUEST,
    CallFlowSetup,
    CallIn,
    SessionClosed,
    SessionCreate,
    SessionNotify,
    SessionOpen,
    SessionReady,
    Setup,
)
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import Message
from trio_calls.wire.names import WHATSAPP
from trio_calls.wire.responses import Response, SetupDone


class FirstControl:
    """Makes and reads the messages. Keeps nothing."""

    vital_types: frozenset[str] = frozenset(
        {CallIn.wire_type, MessageIn.wire_type, SessionClosed.wire_type}
    )

    follows_claims: bool = True
    offers_to_all: bool = True
    claim_seconds: float = math.inf
    forgets_sessions: bool = False

    def setup(self, audio_format: AudioFormat) -> Message:
        """Return what is sent first. See `ControlWire`."""
        return Setup(audio_format.sample_rate, audio_format.mode.value)

    def read(self, frame: str) -> News | Response | SetupDone | None:
        """Read a text frame that came. See `ControlWire`."""
        match decode_control(frame):
            case Response() | SetupDone() as answer:
                return answer
            case SessionNotify() as notify:
                return Offered(
                    notify.session_id,
                    notify.channel,
                    notify.remote_address,
                    notify.local_address,
                    notify.activity,
                    notify.created_at,
                )
            case CallIn() as call_in:
                return RingingCall(
                    session_id=call_in.session_id,
                    call_id=call_in.call_id,
                    caller_number=call_in.caller_number,
                    callee_number=call_in.callee_number,
                    url=call_in.url,
                    token=call_in.token,
                )
            case MessageIn() as written:
                return Written(written.session_id, written.sender, written.content)
            case SessionClosed(session_id=session_id, reason=reason):
                return SessionEnded(session_id, reason, is_wanted=reason == SDK_REQUEST)
            case _:
                return None

    async def claim(self, exchange: Exchange, session_id: str) -> Response:
        """Claim a call, which comes in a message of its own. See `ControlWire`."""
        response = await self.claim_conversation(exchange, session_id)
        if exchange.is_granted(response) and response.session_channel != WHATSAPP:
            self.listen(exchange, session_id)
        return response

    async def claim_conversation(self, exchange: Exchange, session_id: str) -> Response:
        """Claim a session in which people write. See `ControlWire`."""
        return await exchange.request(lambda request_id: SessionOpen(request_id, session_id))

    def listen(self, exchange: Exchange, session_id: str) -> None:
        """Let what happens in a session come. See `ControlWire`."""
        exchange.send(SessionReady(session_id))

    async def create(
        self, exchange: Exchange, channel: str, remote_address: str, local_address: str | None
    ) -> Created:
        """Start a session with somebody. See `ControlWire`."""
        response = await exchange.request(
            lambda request_id: SessionCreate(request_id, channel, remote_address)
        )
        if not response.is_ok:
            return Created(response)
        created = read_created(response.content)
        return Created(response, created.session_id, created.is_new)

    def call_flow(self, request_id: str, **what: Any) -> Message:
        """Return the request that says what is to be offered. See `ControlWire`."""
        return CallFlowSetup(request_id, **what)

    def message(
        self,
        request_id: str,
        session_id: str,
        client_message_id: str,
        api_version: str,
        data: dict[str, Any],
    ) -> Message:
        """Return the request that sends a written message. See `ControlWire`."""
        return MessageOut(request_id, session_id, client_message_id, api_version, data)
