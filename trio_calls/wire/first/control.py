"""The messages of the control connection, both ways: sessions and calls."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from trio_calls._quoting import Secret, printable
from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.wire.call_flow import CallFlow
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import REQUEST_ID, Message, forgiven, forgiven_text, text, wire
from trio_calls.wire.names import (
    AUDIO_MODES,
    MAX_NUMBER_LENGTH,
    MAX_URL_LENGTH,
)
from trio_calls.wire.responses import Response, SetupDone

#: Why a session was closed: an SDK has asked for it, the exchange wanted it, or its call is over.
SDK_REQUEST: Final = "SDK_REQUEST"
FORCE_CLOSE: Final = "FORCE_CLOSE"
CALL_TERMINATED: Final = "CALL_TERMINATED"


def _printable_name(name: str) -> str:
    return printable(name)


@attrs.frozen
class Setup(Message):
    """SDK → exchange, first: the audio format of every call of this connection."""

    wire_type: ClassVar[str] = "setup"
    in_data: ClassVar[bool] = True

    sample_rate: int = wire("sampleRate", validator=attrs.validators.in_(SAMPLE_RATES))
    audio_mode: str = wire("audioMode", validator=attrs.validators.in_(AUDIO_MODES))


@attrs.frozen
class SessionNotify(Message):
    """Exchange → every SDK: something happened in a session that anyone may claim."""

    wire_type: ClassVar[str] = "session.notify"

    session_id: str = text("sessionId")
    channel: str = text("channel")
    remote_address: str = forgiven_text("remoteAddress", default="", repr=False)
    local_address: str = forgiven_text("localAddress", default="", repr=False)
    activity: str = text("activity", default="")
    created_at: float = forgiven("createdAt", default=0)


@attrs.frozen
class SessionOpen(Message):
    """SDK → exchange: claim a session. Answered by a `Response`."""

    wire_type: ClassVar[str] = "session.open"
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    session_id: str = text("sessionId")


@attrs.frozen
class SessionCreate(Message):
    """SDK → exchange: start a session with somebody. Answered by a `Response`."""

    wire_type: ClassVar[str] = "session.create"
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    channel: str = text("channel")
    remote_address: str = text("remoteAddress", repr=False)


@attrs.frozen
class SessionCreated:
    """The content of the answer to a `SessionCreate`.

    Attributes:
      session_id: the exchange's name for the session.
      is_new: whether it was started for this request; if not, it was open already.
    """

    session_id: str = text("sessionId")
    is_new: bool = wire("created", default=True)


@attrs.frozen
class CallFlowSetup(CallFlow):
    """The `CallFlow` of this wire."""

    wire_type: ClassVar[str] = "call_flow.setup"


@attrs.frozen
class SessionReady(Message):
    """SDK → exchange: deliver the session's events from here on."""

    wire_type: ClassVar[str] = "session.ready"

    session_id: str = text("sessionId")


@attrs.frozen
class CallIn(Message):
    """Exchange → claimant: the ringing call, and where its media connection is opened."""

    wire_type: ClassVar[str] = "call.in"

    session_id: str = text("sessionId")
    # Nothing else goes back to the exchange under this name, and everybody logs it.
    call_id: str = text("callId", converter=_printable_name)
    caller_number: str | None = forgiven_text(
        "from", default=None, max_length=MAX_NUMBER_LENGTH, kw_only=True, repr=False
    )
    callee_number: str | None = forgiven_text(
        "to", default=None, max_length=MAX_NUMBER_LENGTH, kw_only=True, repr=False
    )
    url: str = wire("url", validator=attrs.validators.max_len(MAX_URL_LENGTH), repr=False)
    token: str = wire(
        "token",
        validator=attrs.validators.max_len(MAX_URL_LENGTH),
        repr=False,
        converter=Secret,
    )
    organisation_uuid: str = forgiven_text("orgUuid", default="")


@attrs.frozen
class SessionClosed(Message):
    """Exchange → claimant: the session is over."""

    wire_type: ClassVar[str] = "session.closed"

    session_id: str = text("sessionId")
    reason: str = forgiven_text("reason", default="")


ControlMessage = (
    Setup
    | SetupDone
    | SessionNotify
    | SessionOpen
    | SessionCreate
    | CallFlowSetup
    | Response
    | SessionReady
    | CallIn
    | SessionClosed
    | MessageIn
    | MessageOut
)
