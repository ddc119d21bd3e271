"""What SDKs of the second wire say on a control connection, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, assert_never

import attrs

from trio_calls.simulator.exchange.second_side import SecondSide
from trio_calls.simulator.exchange.sessions import ClaimedSession, ConnectedSdk, Session
from trio_calls.simulator.phones.agent_wire import AgentWire
from trio_calls.simulator.phones.second_agent_wire import SecondAgentWire
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.names import INVALID_REQUEST
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.codec import decode_control
from trio_calls.wire.second.control import (
    CallNotify,
    ControlMessage,
    CreateCall,
    MessageIn,
    MessageOut,
    SessionClaim,
    SessionOpen,
    Setup,
    TriggerConditionsSetup,
)


@attrs.define(eq=False)
class SecondSdk(ConnectedSdk):
    """An SDK that is told of what it may have before others do. It hears of no end on this wire."""

    takes_turns: ClassVar[bool] = True
    keeps_claims: ClassVar[bool] = True
    agent_wire: ClassVar[type[AgentWire]] = SecondAgentWire

    def offer(self, session: ClaimedSession) -> None:
        """Tell it of a call."""
        assert isinstance(session, Session)
        offer = session.offer
        self.send(
            CallNotify(
                session.call.call_id,
                subscriber=offer.local_address,
                participant=offer.remote_address,
                channel=offer.channel,
                created_at=offer.created_at,
            )
        )

    def tell_closed(self, session_id: str, reason: str) -> None:
        """Tell it nothing: its media connection says so."""


class SecondControl:
    """Serves an SDK of the second wire.

    Args:
      side: what it asks things of.
      sdk: the SDK.
      on_violation: called with what it does against the protocol.
    """

    def __init__(
        self, side: SecondSide, sdk: SecondSdk, on_violation: Callable[[str], None]
    ) -> None:
        self._side = side
        self._sdk = sdk
        self._violation = on_violation

    def serve(self, frame: str) -> None:
        """Do what a frame says.

        Raises:
          WireError: it cannot be used.
        """
        self._serve(decode_control(frame))

    def _serve(self, message: ControlMessage | UnknownMessage) -> None:
        send = self._sdk.send
        match message:
            case SessionOpen():
                send(self._side.open_session(message))
            case SessionClaim():
                send(self._side.claim(message, self._sdk))
            case CreateCall():
                send(self._side.create_call(message, self._sdk))
            case MessageOut():
                send(self._side.take_message(message))
            case TriggerConditionsSetup():
                send(self._side.set_call_flow(message))
            case Setup():
                self._violation("a second setup")
            case SetupDone() | CallNotify() | Response() | MessageIn():
                self._violation(f"{message.wire_type} is for the exchange to send")
            case UnknownMessage(request_id=str(request_id)):
                send(Response(request_id, is_ok=False, error_code=INVALID_REQUEST))
            case UnknownMessage():
                pass
            case _:
                assert_never(message)
