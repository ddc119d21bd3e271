"""What SDKs of the first wire say on a control connection, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, assert_never

import attrs

from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.sessions import ClaimedSession, ConnectedSdk
from trio_calls.simulator.phones.agent_wire import AgentWire
from trio_calls.simulator.phones.first_agent_wire import FirstAgentWire
from trio_calls.wire.first.codec import decode_control
from trio_calls.wire.first.control import (
    CallFlowSetup,
    CallIn,
    ControlMessage,
    SessionClosed,
    SessionCreate,
    SessionNotify,
    SessionOpen,
    SessionReady,
    Setup,
)
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.names import INVALID_REQUEST
from trio_calls.wire.responses import Response, SetupDone


@attrs.define(eq=False)
class FirstSdk(ConnectedSdk):
    """An SDK that is told of every session, and may claim it before others do."""

    takes_turns: ClassVar[bool] = False
    keeps_claims: ClassVar[bool] = False
    agent_wire: ClassVar[type[AgentWire]] = FirstAgentWire

    def offer(self, session: ClaimedSession) -> None:
        """Offer it a session."""
        self.send(session.offer)

    def tell_closed(self, session_id: str, reason: str) -> None:
        """Tell it that a session which it has is over."""
        self.send(SessionClosed(session_id, reason))


class FirstControl:
    """Serves an SDK of the first wire.

    Args:
      exchange: what it asks things of.
      sdk: the SDK.
      on_violation: called with what it does against the protocol.
    """

    def __init__(
        self, exchange: Exchange, sdk: FirstSdk, on_violation: Callable[[str], None]
    ) -> None:
        self._exchange = exchange
        self._sdk = sdk
        self._violation = on_violation

    def serve(self, frame: str) -> None:
        """Do what a frame says.

        Raises:
          WireError: it cannot be used.
        """
        self._serve(decode_control(frame))

    def _serve(self, message: ControlMessage | UnknownMessage) -> None:
        sdk, send = self._sdk, self._sdk.send
        match message:
            case SessionOpen(request_id=request_id, session_id=session_id):
                send(self._exchange.open_session(request_id, session_id, sdk))
            case SessionReady(session_id=session_id):
                if not self._exchange.session_ready(session_id, sdk):
                    self._violation("session.ready for a session that it does not hold")
            case Setup():
                self._violation("a second setup")
            case SessionCreate():
                send(
                    self._exchange.create_session(
                        message.request_id, message.channel, message.remote_address
                    )
                )
            case CallFlowSetup():
                send(self._exchange.set_call_flow(message, sdk))
            case MessageOut():
                response, fault = self._exchange.take_message(message, sdk)
                if fault is not None:
                    self._violation(fault)
                send(response)
            case (
                SetupDone()
                | SessionNotify()
                | Response()
                | CallIn()
                | SessionClosed()
                | MessageIn()
            ):
                self._violation(f"{message.wire_type} is for the exchange to send")
            case UnknownMessage(request_id=str(request_id)):
                send(Response(request_id, is_ok=False, error_code=INVALID_REQUEST))
            case UnknownMessage():
                pass
            case _:
                assert_never(message)
