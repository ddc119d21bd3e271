"""The messages of the second wire's control connection, both ways.

A call is offered to one SDK, which opens a session of its own making and claims the call for it. A
session is nothing but a name for what somebody does on behalf of a subscriber: it is not announced,
and not closed.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import attrs

from trio_calls._quoting import Secret
from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.wire.call_flow import CallFlow
from trio_calls.wire.message import REQUEST_ID, Message, forgiven, forgiven_text, text, wire
from trio_calls.wire.names import AUDIO_MODES, MAX_NUMBER_LENGTH, MAX_URL_LENGTH, TELEPHONE
from trio_calls.wire.responses import Response, SetupDone

#: What a setup of this wire asks for.
MEDIA_PROTOCOL_VERSION: Final = 2
MEDIA_CAPABILITIES: Final = ("credit_push", "framed_audio_v1")

#: What a setup means that asks for no version.
_FIRST_VERSION: Final = 1

#: The most parties that a session is with.
MAX_PARTICIPANTS: Final = 5


def address(name: str, **field: Any) -> Any:
    """Make a field of a telephone number or the like, `name` on the wire. It is not shown."""
    return wire(name, validator=attrs.validators.max_len(MAX_NUMBER_LENGTH), repr=False, **field)


def _url(name: str) -> Any:
    return wire(name, validator=attrs.validators.max_len(MAX_URL_LENGTH), repr=False)


def _token(name: str) -> Any:
    return wire(
        name,
        validator=attrs.validators.max_len(MAX_URL_LENGTH),
        repr=False,
        converter=Secret,
    )


@attrs.frozen
class Address:
    """Somebody, and the network on which to reach them."""

    network: str = text("network")
    value: str = address("value")


@attrs.frozen
class Setup(Message):
    """SDK → exchange, first: the audio format of every call, and how audio is to travel.

    On the first wire no version is asked for.
    """

    wire_type: ClassVar[str] = "setup"
    in_data: ClassVar[bool] = True

    sample_rate: int = wire("sampleRate", validator=attrs.validators.in_(SAMPLE_RATES))
    audio_mode: str = wire("audioMode", validator=attrs.validators.in_(AUDIO_MODES))
    media_protocol_version: int = wire(
        "mediaProtocolVersion", default=_FIRST_VERSION, validator=attrs.validators.ge(1)
    )
    media_capabilities: tuple[str, ...] = forgiven("mediaCapabilities", default=())


@attrs.frozen
class CallNotify(Message):
    """Exchange → one of the connector's SDKs: a call rings that it may claim."""

    wire_type: ClassVar[str] = "call.notify"

    call_id: str = text("txnUuid")
    subscriber: str = address("subscriber")
    participant: str | None = forgiven_text(
        "participant", default=None, max_length=MAX_NUMBER_LENGTH, repr=False
    )
    channel: str = text("channel", default=TELEPHONE)
    created_at: float = forgiven("createdAt", default=0)

    @property
    def offers_call(self) -> bool:
        """Whether it is a telephone call."""
        return self.channel == TELEPHONE


@attrs.frozen
class SessionOpen(Message):
    """SDK → exchange: make a session for a subscriber, or keep one. Answered by a `Response`."""

    wire_type: ClassVar[str] = "session.open"
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    session_id: str = text("sessionId")
    subscriber: str = address("subscriber")


@attrs.frozen
class SessionOpened:
    """The content of the answer to a `SessionOpen`: whether it was made for this request."""

    is_new: bool = wire("created", default=False)


@attrs.frozen
class SessionClaim(Message):
    """SDK → exchange: take a call into a session. Answered by a `Response`."""

    wire_type: ClassVar[str] = "session.claim"
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    session_id: str = text("sessionId")
    call_id: str = text("txnUuid")


@attrs.frozen
class ClaimedCall:
    """The content of the answer to a `SessionClaim`: where the media connection is opened."""

    url: str = _url("url")
    token: str = _token("token")


@attrs.frozen
class CreateCall(Message):
    """SDK → exchange: prepare a call to somebody, which `DIAL` places. Answered by a `Response`."""

    wire_type: ClassVar[str] = "session.create_call"
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    session_id: str = text("sessionId")
    destination: Address = wire("dest")


@attrs.frozen
class CreatedCall:
    """The content of the answer to a `CreateCall`."""

    call_id: str = text("callId")
    url: str = _url("url")
    token: str = _token("token")


@attrs.frozen
class MessageIn(Message):
    """Exchange → one of the connector's SDKs: somebody has written. It may come twice.

    What `payload` holds is the provider's affair.
    """

    wire_type: ClassVar[str] = "msg.in"

    message_id: str = text("id")
    subscriber: str = address("subscriber")
    participant: str = address("participant")
    channel: str = text("channel")
    # Wherever this message is shown, what people write to each other is not.
    payload: Any = wire("payload", validator=attrs.validators.instance_of(dict), repr=False)


@attrs.frozen
class MessageContent:
    """The ``data`` of a `MessageOut`."""

    api_version: str = text("apiVersion")
    data: Any = wire("data", validator=attrs.validators.instance_of(dict), repr=False)


@attrs.frozen
class MessageOut(Message):
    """SDK → exchange: write to whom the content names. Answered by a `Response`."""

    wire_type: ClassVar[str] = "msg.out"
    answer_key: ClassVar[str] = REQUEST_ID

    request_id: str = text("reqId")
    channel: str = text("channel")
    session_id: str = text("sessionId")
    client_message_id: str = text("clientMsgId")
    content: MessageContent = wire("data")


@attrs.frozen
class TriggerConditionsSetup(CallFlow):
    """The `CallFlow` of this wire. An exchange keeps it, also when the connection is lost."""

    wire_type: ClassVar[str] = "trigger_conditions.setup"


#: How a connection begins, on either wire.
SettingUp = Setup | SetupDone

ControlMessage = (
    SettingUp
    | CallNotify
    | SessionOpen
    | SessionClaim
    | CreateCall
    | Response
    | MessageIn
    | MessageOut
    | TriggerConditionsSetup
)
