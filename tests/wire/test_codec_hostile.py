"""Whatever arrives is a message or a `WireError`, and the error quotes nothing of it."""

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.wire.codec import WireError
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.message import Message, UnknownMessage

pytestmark = pytest.mark.slow

SECRET = "s3cr3t-0123456789"

FRAMES: list[dict[str, Any]] = [
    {"type": "setup", "data": {"sampleRate": 24000, "audioMode": "mixed"}},
    {"type": "setup.done", "smWsId": "ws"},
    {"type": "session.notify", "sessionId": "s", "channel": "TELCO", "createdAt": 1.5},
    {"type": "session.open", "reqId": "r", "sessionId": "s"},
    {"type": "response", "reqId": "r", "ok": True, "content": {"a": [1]}, "errorCode": None},
    {"type": "session.ready", "sessionId": "s"},
    {
        "type": "call.in",
        "sessionId": "s",
        "callId": "c",
        "from": "1",
        "to": "2",
        "url": "ws://host",
        "token": "t",
    },
    {"type": "session.closed", "sessionId": "s", "reason": "FORCE_CLOSE"},
    {
        "type": "command",
        "data": {
            "command_id": "c",
            "command": "call.connect",
            "timeout_ms": 60000,
            "data": {"ringTimeSeconds": 60},
        },
    },
    {
        "type": "command_response",
        "data": {"command_id": "c", "success": False, "error_code": "E", "error_message": "m"},
    },
    {"type": "call_event", "data": {"event": "call.error", "error_code": "E"}},
    {
        "type": "buffer_request",
        "data": {"requested_bytes": 960, "prefer_audio_frame_bytes": 960, "channelId": 0},
    },
]

#: Values of every kind that have the secret in them, and are wrong in most places.
SECRETS: list[Any] = [
    SECRET,
    [SECRET],
    {SECRET: SECRET},
    {"data": {"type": SECRET}},
    SECRET * 1000,
    SECRET + "\ud800",
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def places(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Lists the path of everything in a frame."""
    inside = value.items() if isinstance(value, dict) else ()
    return [path, *(found for key, inner in inside for found in places(inner, (*path, key)))]


def replaced(frame: Any, path: tuple[str, ...], value: object) -> Any:
    if not path:
        return value
    return {**frame, path[0]: replaced(frame[path[0]], path[1:], value)}


EVERYWHERE = [(frame, path) for frame in FRAMES for path in places(frame)]


def decode_or_refuse(frame: str) -> list[WireError]:
    """Decodes a frame of either connection. Returns the errors; any other is the test's."""
    errors = []
    for decode in (decode_control, decode_media):
        try:
            message = decode(frame)
        except WireError as error:
            errors.append(error)
        else:
            assert isinstance(message, Message | UnknownMessage)
    return errors


def shown(error: WireError) -> str:
    return f"{error!r} {error} {''.join(traceback.format_exception(error))}"


@given(st.text())
def test_any_text_is_a_message_or_a_wire_error(frame: str) -> None:
    decode_or_refuse(frame)


@given(anything)
def test_any_json_is_a_message_or_a_wire_error(document: object) -> None:
    decode_or_refuse(json.dumps(document))


@given(st.sampled_from(FRAMES), st.dictionaries(st.text(), anything))
def test_any_addition_to_a_frame_is_a_message_or_a_wire_error(
    frame: dict[str, Any], more: dict[str, Any]
) -> None:
    decode_or_refuse(json.dumps({**more, **frame}))
    decode_or_refuse(json.dumps({**frame, **more}))


@given(st.sampled_from(EVERYWHERE), anything)
def test_any_value_in_any_place_is_a_message_or_a_wire_error(
    place: tuple[dict[str, Any], tuple[str, ...]], value: object
) -> None:
    decode_or_refuse(json.dumps(replaced(*place, value)))


@given(st.sampled_from(FRAMES), st.data())
def test_any_damaged_frame_is_a_message_or_a_wire_error(
    frame: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(frame)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    decode_or_refuse(text[:start] + data.draw(st.text(max_size=20)) + text[end:])


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: str(secret)[:40])
@pytest.mark.parametrize(("frame", "path"), EVERYWHERE, ids=lambda part: json.dumps(part)[:40])
def test_no_error_quotes_a_value_in_the_wrong_place(
    frame: dict[str, Any], path: tuple[str, ...], secret: object
) -> None:
    for error in decode_or_refuse(json.dumps(replaced(frame, path, secret))):
        assert SECRET not in shown(error)


@given(st.sampled_from(FRAMES), st.integers(0, 200), st.text(max_size=5))
def test_no_error_quotes_a_damaged_frame(frame: dict[str, Any], position: int, junk: str) -> None:
    text = json.dumps(frame)
    for error in decode_or_refuse(text[:position] + SECRET + junk + text[position:]):
        assert SECRET not in shown(error)


@pytest.mark.parametrize(
    ("frame", "request_id"),
    [
        ({"type": "command", "data": {"command_id": "c"}}, "c"),
        ({"type": "command", "data": {"command_id": "c", "command": [], "timeout_ms": 1}}, "c"),
        ({"type": "command", "data": {"command_id": ["c"]}}, None),
        ({"type": "command", "data": {"command_id": "c" * 513}}, None),
        ({"type": "command", "data": "c"}, None),
        ({"type": "command", "command_id": "c"}, None),
        ({"type": "session.open", "reqId": "r"}, "r"),
        ({"type": "session.open", "data": {"reqId": "r"}}, None),
        ({"type": "command_response", "data": {"command_id": "c"}}, None),
        ({"type": "response", "reqId": "r"}, None),
    ],
)
def test_an_error_names_its_request_where_an_answer_is_wanted(
    frame: dict[str, Any], request_id: str | None
) -> None:
    (error,) = decode_or_refuse(json.dumps(frame))
    assert error.request_id == request_id


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"buffer_request","data":{"requested_bytes":1234567890123456}}',
        '{"type":"buffer_request","data":{"requested_bytes":123456789012345612345678901234567890'
        "1234567890123456}}",
        '{"type":"buffer_request","data":{"requested_bytes":1.234567890123456e999}}',
        '{"type":"setup","data":{"sampleRate":1234567890123456,"audioMode":"mixed"}}',
        '{"type":"command","data":{"command_id":"c","command":"c","timeout_ms":-1234567890123456}}',
    ],
)
def test_no_error_quotes_a_number(frame: str) -> None:
    errors = decode_or_refuse(frame)
    assert errors
    assert [error for error in errors if "1234567890123456" in shown(error)] == []
