"""What the codec takes for missing, so that no call is lost for it: null, and odd extras."""

from __future__ import annotations

import json
from typing import Any, get_args

import attrs
import pytest

from trio_calls.wire.codec import WireError
from trio_calls.wire.commands import CommandResponse
from trio_calls.wire.dialing import DialingMessage, decode_dialing
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import CallIn, ControlMessage
from trio_calls.wire.first.media import BufferRequest, MediaMessage
from trio_calls.wire.message import IS_FORGIVEN, WIRE_NAME, Message
from trio_calls.wire.responses import Response

CALL_IN = {"sessionId": "s", "callId": "c", "url": "ws://host", "token": "t"}
NONSENSE = [True, -1, 1.5, "\ud800", "x" * 5000, [], {}, {"a": [1]}]
DECODERS = {
    ControlMessage: decode_control,
    MediaMessage: decode_media,
    DialingMessage: decode_dialing,
}
MESSAGES = [(member, union) for union in DECODERS for member in get_args(union)]


def sample(message_class: type[Message]) -> dict[str, Any]:
    """Make the fields that a frame of a class must have."""
    known = {
        "sampleRate": 24000,
        "audioMode": "mixed",
        "ok": True,
        "success": True,
        "requested_bytes": 960,
        "timeout_ms": 1000,
        "pickupSeconds": 2,
        "pickup": "answers",
        "bytes": 2,
        "seconds": 1,
        "state": "PENDING",
    }
    return {
        field.metadata[WIRE_NAME]: known.get(field.metadata[WIRE_NAME], "x")
        for field in attrs.fields(message_class)
        if field.default is attrs.NOTHING
    }


def decode(message_class: type[Message], union: Any, fields: dict[str, Any]) -> Any:
    body = {"data": fields} if message_class.in_data else fields
    return DECODERS[union](json.dumps({"type": message_class.wire_type, **body}))


OPTIONAL = [
    (member, union, field)
    for member, union in MESSAGES
    for field in attrs.fields(member)
    if field.default is not attrs.NOTHING
]


@pytest.mark.parametrize(("message_class", "union", "field"), OPTIONAL)
def test_null_is_as_good_as_nothing(
    message_class: type[Message], union: Any, field: attrs.Attribute[Any]
) -> None:
    fields = sample(message_class)
    without = decode(message_class, union, fields)
    assert decode(message_class, union, {**fields, field.metadata[WIRE_NAME]: None}) == without


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize(
    ("message_class", "union", "field"),
    [optional for optional in OPTIONAL if IS_FORGIVEN in optional[2].metadata],
)
def test_what_decides_nothing_refuses_no_frame(
    message_class: type[Message], union: Any, field: attrs.Attribute[Any], nonsense: object
) -> None:
    fields = sample(message_class)
    read = decode(message_class, union, {**fields, field.metadata[WIRE_NAME]: nonsense})
    assert getattr(read, field.name) in (field.default, nonsense)
    assert attrs.evolve(read, **{field.name: field.default}) == decode(message_class, union, fields)


@pytest.mark.parametrize("missing", ["null", "nothing"])
def test_what_must_be_there_must_be_there(missing: str) -> None:
    for name in CALL_IN:
        fields: dict[str, Any] = {**CALL_IN, name: None}
        if missing == "nothing":
            del fields[name]
        with pytest.raises(WireError, match=r"call\.in: \$.*: something is missing") as raised:
            decode(CallIn, ControlMessage, fields)
        assert raised.value.wire_type == "call.in"


@pytest.mark.parametrize(
    ("sender", "read"),
    [
        ("+6591110000", "+6591110000"),
        ("anonymous", "anonymous"),
        ("sip:anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid"),
        ("", ""),
        (None, None),
        (6591110000, None),
    ],
)
def test_a_caller_may_be_called_anything(sender: object, read: str | None) -> None:
    call_in = decode(CallIn, ControlMessage, {**CALL_IN, "from": sender, "to": sender})
    assert (call_in.caller_number, call_in.callee_number) == (read, read)


def test_the_words_of_a_refusal_do_not_cost_the_refusal() -> None:
    refused = {"reqId": "r", "ok": False, "errorCode": 5, "errorContent": "busy"}
    assert decode(Response, ControlMessage, refused).error_code is None
    failed = {"command_id": "c", "success": False, "error_code": 7, "error_message": ["m"]}
    response = decode(CommandResponse, MediaMessage, failed)
    assert (response.error_code, response.error_message) == (None, None)


def test_a_request_for_audio_may_have_no_wishes() -> None:
    wish = {"requested_bytes": 960, "prefer_audio_frame_bytes": None, "channelId": None}
    assert decode(BufferRequest, MediaMessage, wish) == BufferRequest(960)
