"""The requests that a fault can pick on, and how they and their answers are told from other frames.

They are the commands of a call, on its media connection, and what is asked on the control
connection. Pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Final, get_args

import attrs

from trio_calls.simulator.exchange.taps import Outgoing
from trio_calls.simulator.transcript.transcript import ConnectionKind
from trio_calls.state import Command
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.commands import CommandRequest, CommandResponse
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import CallFlowSetup, SessionCreate, SessionOpen
from trio_calls.wire.first.messaging import MessageOut
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.responses import Response
from trio_calls.wire.second import control as second
from trio_calls.wire.second.codec import decode_control as decode_second_control
from trio_calls.wire.second.media import DIAL

_REASON: Final = "refused by a fault of the simulator"

_OfControl = (
    SessionOpen
    | SessionCreate
    | CallFlowSetup
    | MessageOut
    | second.SessionClaim
    | second.CreateCall
    | second.MessageOut
    | second.TriggerConditionsSetup
)

#: The requests of both wires. What opens a session is called the same on both.
_CONTROL_REQUESTS: Final[dict[str, type[_OfControl]]] = {
    kind.wire_type: kind for kind in get_args(_OfControl)
}


class RequestKind(ABC):
    """A kind of request.

    Attributes:
      name: as the wire has it.
      connection: the kind of connection that it comes on.
    """

    name: str
    connection: ConnectionKind

    @abstractmethod
    def request_id(self, frame: str | bytes, names: Collection[str] | None) -> str | None:
        """Return the id of a frame that is such a request, or None.

        Args:
          frame: what an agent has sent.
          names: the session that it must be about, on the control connection, or its call; None:
            any.
        """

    @abstractmethod
    def answered_id(self, frame: Outgoing) -> str | None:
        """Return the id of the request that a frame answers, or None if it answers none."""

    @abstractmethod
    def refusal(self, request_id: str, error_code: str) -> str:
        """Make the frame that refuses such a request."""


@attrs.frozen
class _OfCall(RequestKind):
    name: str
    connection: ConnectionKind = "media"

    def request_id(self, frame: str | bytes, names: Collection[str] | None) -> str | None:
        message = _read(frame, decode_media)
        if not isinstance(message, CommandRequest) or message.command != self.name:
            return None
        return message.command_id

    def answered_id(self, frame: Outgoing) -> str | None:
        message = _read(frame, decode_media)
        return message.command_id if isinstance(message, CommandResponse) else None

    def refusal(self, request_id: str, error_code: str) -> str:
        return encode(
            CommandResponse(request_id, success=False, error_code=error_code, error_message=_REASON)
        )


@attrs.frozen
class _OnControl(RequestKind):
    name: str
    connection: ConnectionKind = "control"

    def request_id(self, frame: str | bytes, names: Collection[str] | None) -> str | None:
        message = _read(frame, _decode_control)
        if not isinstance(message, _CONTROL_REQUESTS[self.name]):
            return None
        about = {getattr(message, "session_id", None), getattr(message, "call_id", None)}
        is_meant = names is None or not about.isdisjoint(names)
        return message.request_id if is_meant else None

    def answered_id(self, frame: Outgoing) -> str | None:
        message = _read(frame, _decode_control)
        return message.request_id if isinstance(message, Response) else None

    def refusal(self, request_id: str, error_code: str) -> str:
        content = {"message": _REASON}
        return encode(
            Response(request_id, is_ok=False, error_code=error_code, error_content=content)
        )


def request_kind(name: str) -> RequestKind:
    """Return the kind of request of a name.

    Raises:
      ValueError: there is none.
    """
    if name in _CONTROL_REQUESTS:
        return _OnControl(name)
    return _OfCall(name if name == DIAL else Command(name).value)


def _decode_control(frame: str) -> object:
    """Read a frame of the control connection, of either wire."""
    message = decode_control(frame)
    return decode_second_control(frame) if isinstance(message, UnknownMessage) else message


def _read(frame: Outgoing, decode: Callable[[str], object]) -> object:
    if not isinstance(frame, str):
        return None
    try:
        return decode(frame)
    except WireError:
        return None
