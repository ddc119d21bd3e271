"""The commands of a media connection, their responses, and the events of a call."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import attrs

from trio_calls.wire.message import Message, forgiven_text, rest, text, wire

TERMINATED: Final = "call.terminated"
ERROR: Final = "call.error"

MIN_RING_SECONDS: Final = 1
MAX_RING_SECONDS: Final = 120

#: How long a telephone rings that an agent calls, if nobody says another time.
DIAL_SECONDS: Final = 60.0

_MAX_ERROR_LENGTH = 4096


@attrs.frozen
class RingTime:
    """The ``data`` of ``call.connect``: how long the callee's phone may ring, in seconds."""

    ring_time_seconds: float = wire(
        "ringTimeSeconds",
        validator=[attrs.validators.ge(MIN_RING_SECONDS), attrs.validators.le(MAX_RING_SECONDS)],
    )


@attrs.frozen
class CommandRequest(Message):
    """SDK → exchange: do this, within `timeout_ms` milliseconds."""

    wire_type: ClassVar[str] = "command"
    in_data: ClassVar[bool] = True
    answer_key: ClassVar[str] = "command_id"

    command_id: str = text("command_id")
    command: str = text("command")
    timeout_ms: int = wire("timeout_ms", validator=attrs.validators.ge(0))
    data: RingTime | None = wire("data", default=None)


@attrs.frozen
class CommandResponse(Message):
    """Exchange → SDK: whether a command was done."""

    wire_type: ClassVar[str] = "command_response"
    in_data: ClassVar[bool] = True

    command_id: str = text("command_id")
    success: bool = wire("success")
    result: Any = wire("result", default=None)
    error_code: str | None = forgiven_text("error_code", default=None)
    error_message: str | None = forgiven_text(
        "error_message", default=None, max_length=_MAX_ERROR_LENGTH
    )


@attrs.frozen
class CallEvent(Message):
    """Exchange → SDK: something happened that no command asked for."""

    wire_type: ClassVar[str] = "call_event"
    in_data: ClassVar[bool] = True

    event: str = text("event")
    error_code: str | None = forgiven_text("error_code", default=None)
    error_message: str | None = forgiven_text(
        "error_message", default=None, max_length=_MAX_ERROR_LENGTH
    )
    details: Any = rest()
