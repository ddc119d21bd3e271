"""What the codec refuses, what it tolerates, and that its errors quote nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from trio_calls.wire.codec import MAX_DEPTH, MAX_NUMBER_LENGTH, MAX_TEXT_LENGTH, WireError
from trio_calls.wire.commands import CallEvent
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import SessionClosed, SessionNotify
from trio_calls.wire.first.media import BufferRequest
from trio_calls.wire.message import UnknownMessage
from trio_calls.wire.responses import Response

Decode = Callable[[str], object]

BOTH: list[Decode] = [decode_control, decode_media]

NOTIFY = {"type": "session.notify", "sessionId": "s", "channel": "TELCO", "createdAt": 1}
RESPONSE = {"type": "response", "reqId": "r", "ok": True}
CALL_IN = {
    "type": "call.in",
    "sessionId": "s",
    "callId": "c",
    "from": "1",
    "to": "2",
    "url": "ws://host",
    "token": "t",
}
SETUP = {"sampleRate": 24000, "audioMode": "mixed"}
BUFFER_REQUEST = {"requested_bytes": 960, "prefer_audio_frame_bytes": 960, "channelId": 0}
COMMAND = {
    "command_id": "c",
    "command": "call.connect",
    "timeout_ms": 60000,
    "data": {"ringTimeSeconds": 60},
}
COMMAND_RESPONSE = {"command_id": "c", "success": False, "error_code": "E", "error_message": "m"}
CALL_EVENT = {"event": "call.error", "error_code": "E", "error_message": "m"}


def media(wire_type: str, data: object) -> str:
    return json.dumps({"type": wire_type, "data": data})


def request_with(number: str) -> str:
    return f'{{"type":"buffer_request","data":{{"requested_bytes":{number}}}}}'


WRONG_CONTROL = [
    json.dumps({**NOTIFY, "sessionId": 1}),
    json.dumps({**NOTIFY, "sessionId": None}),
    json.dumps({**NOTIFY, "sessionId": ["s"]}),
    json.dumps({**NOTIFY, "channel": {"TELCO": 1}}),
    json.dumps({**NOTIFY, "sessionId": "s" * 513}),
    json.dumps({**NOTIFY, "sessionId": "\ud800"}),
    json.dumps({"type": "session.notify", "channel": "TELCO"}),
    json.dumps({**RESPONSE, "ok": 1}),
    json.dumps({**RESPONSE, "ok": "true"}),
    json.dumps({**RESPONSE, "ok": None}),
    json.dumps({**RESPONSE, "reqId": False}),
    json.dumps({**CALL_IN, "url": None}),
    json.dumps({**CALL_IN, "url": "w" * 8193}),
    json.dumps({**CALL_IN, "token": 12345}),
    json.dumps({"type": "setup.done"}),
    json.dumps({"type": "setup", **SETUP}),
    json.dumps({"type": "setup", "data": [SETUP]}),
    json.dumps({"type": "setup", "data": {**SETUP, "sampleRate": 44100}}),
    json.dumps({"type": "setup", "data": {**SETUP, "sampleRate": 24000.0}}),
    json.dumps({"type": "setup", "data": {**SETUP, "audioMode": "stereo"}}),
]

WRONG_MEDIA = [
    media("buffer_request", None),
    media("buffer_request", []),
    media("buffer_request", "960"),
    media("buffer_request", {}),
    media("buffer_request", {**BUFFER_REQUEST, "requested_bytes": "960"}),
    media("buffer_request", {**BUFFER_REQUEST, "requested_bytes": True}),
    media("buffer_request", {**BUFFER_REQUEST, "requested_bytes": 960.0}),
    media("buffer_request", {**BUFFER_REQUEST, "requested_bytes": 0}),
    media("buffer_request", {**BUFFER_REQUEST, "requested_bytes": -960}),
    media("buffer_request", {**BUFFER_REQUEST, "requested_bytes": 2**24 + 1}),
    media("buffer_request", {**BUFFER_REQUEST, "prefer_audio_frame_bytes": 0}),
    media("buffer_request", {**BUFFER_REQUEST, "prefer_audio_frame_bytes": 2**63}),
    media("buffer_request", {**BUFFER_REQUEST, "channelId": -1}),
    media("buffer_request", {**BUFFER_REQUEST, "channelId": 256}),
    media("buffer_request", {**BUFFER_REQUEST, "channelId": False}),
    media("command", {**COMMAND, "timeout_ms": -1}),
    media("command", {**COMMAND, "timeout_ms": 1.5}),
    media("command", {**COMMAND, "data": {"ringTimeSeconds": "60"}}),
    media("command", {**COMMAND, "data": {"ringTimeSeconds": 0.5}}),
    media("command", {**COMMAND, "data": {"ringTimeSeconds": 121}}),
    media("command", {**COMMAND, "data": {"ringTimeSeconds": True}}),
    media("command", {**COMMAND, "data": {}}),
    media("command", {**COMMAND, "data": [60]}),
    media("command_response", {**COMMAND_RESPONSE, "success": 0}),
    media("command_response", {**COMMAND_RESPONSE, "success": "false"}),
    media("command_response", {**COMMAND_RESPONSE, "command_id": None}),
    media("call_event", {**CALL_EVENT, "event": None}),
    media("call_event", {**CALL_EVENT, "event": True}),
    json.dumps({"type": "call_event", **CALL_EVENT}),
    request_with("NaN"),
    request_with("Infinity"),
    request_with("-Infinity"),
    request_with("1e999"),
    request_with("9" * 5000),
    request_with("9." + "9" * 5000),
    request_with("9" * (MAX_NUMBER_LENGTH + 1)),
    request_with("0x10"),
    request_with("+1"),
    request_with("01"),
    request_with("960,"),
]

NO_FRAMES = [
    "",
    " ",
    "null",
    "true",
    "1",
    '"setup"',
    "[]",
    '[{"type":"setup"}]',
    "{}",
    '{"type":null}',
    '{"type":1}',
    '{"type":["setup"]}',
    '{"type":"setup"',
    '{"type":"new"}{"type":"new"}',
    "{'type':'new'}",
    '\ufeff{"type":"new"}',
    '{"type":"new","text":"\n"}',
    '{"type":"new","number":NaN}',
    '{"type":"new","number":' + "9" * (MAX_NUMBER_LENGTH + 1) + "}",
    '{"type":"new","number":' + "9" * 4000 + "}",
    '{"type":"new","number":' + "9" * 5000 + "}",
    '{"type":"new","deep":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}",
    "[" * 100_000,
    '{"a":' * 40_000,
    '{"type":"new","long":"' + "x" * MAX_TEXT_LENGTH + '"}',
]


@pytest.mark.parametrize("frame", WRONG_CONTROL, ids=lambda frame: frame[:80])
def test_a_wrong_control_frame_is_refused(frame: str) -> None:
    with pytest.raises(WireError):
        decode_control(frame)


@pytest.mark.parametrize("frame", WRONG_MEDIA, ids=lambda frame: frame[:80])
def test_a_wrong_media_frame_is_refused(frame: str) -> None:
    with pytest.raises(WireError):
        decode_media(frame)


@pytest.mark.parametrize("frame", NO_FRAMES, ids=lambda frame: frame[:40])
@pytest.mark.parametrize("decode", BOTH)
def test_what_is_no_frame_at_all_is_refused(decode: Decode, frame: str) -> None:
    with pytest.raises(WireError):
        decode(frame)


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 130_000, '"' * 130_000, '"\\' * 130_000, '""' * 130_000]
)
@pytest.mark.timeout(10)  # It takes milliseconds; reading parts of it again and again, minutes.
def test_no_frame_takes_more_than_linear_time(text: str) -> None:
    with pytest.raises(WireError):
        decode_media("[" * (MAX_DEPTH + 1) + text)


def test_brackets_in_a_text_are_not_nesting() -> None:
    brackets = '\\"[{' * 100
    frame = f'{{"type":"call_event","data":{{"event":"{brackets}"}}}}'
    assert decode_media(frame) == CallEvent('"[{' * 100)


def test_the_deepest_and_the_longest_frame_is_read() -> None:
    depth = MAX_DEPTH - 1
    deep = f'{{"type":"new","deep":{"[" * depth}{"]" * depth}}}'
    assert decode_media(deep.ljust(MAX_TEXT_LENGTH)) == UnknownMessage()


@pytest.mark.parametrize("number", ["9" * MAX_NUMBER_LENGTH, "-1.5e-300", "0." + "3" * 38])
def test_the_longest_number_is_read(number: str) -> None:
    assert decode_media(f'{{"type":"new","number":{number}}}') == UnknownMessage()


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert decode_media('{"type":"new","wide":[' + "[]," * 1000 + "0]}") == UnknownMessage()


def test_unknown_keys_are_ignored() -> None:
    data = {**BUFFER_REQUEST, "newer": {"things": [1, None]}}
    frame = json.dumps({"type": "buffer_request", "data": data, "also": "here"})
    assert decode_media(frame) == BufferRequest(960, 960, 0)
    assert decode_control(json.dumps({**NOTIFY, "newer": True})) == SessionNotify(
        "s", "TELCO", created_at=1
    )


@pytest.mark.parametrize("wire_type", ["", "newer.thing", "SETUP", "data", "\ud800", "x" * 1000])
@pytest.mark.parametrize("decode", BOTH)
def test_an_unknown_type_is_an_unknown_message(decode: Decode, wire_type: str) -> None:
    assert decode(json.dumps({"type": wire_type, "data": 5})) == UnknownMessage()


def test_each_connection_knows_its_own_messages_only() -> None:
    assert decode_control(media("buffer_request", BUFFER_REQUEST)) == UnknownMessage()
    assert decode_media(json.dumps(NOTIFY)) == UnknownMessage()


def test_the_last_of_duplicated_keys_counts() -> None:
    assert decode_control(
        '{"type":"setup.done","type":"session.closed","sessionId":1,"sessionId":"s"}'
    ) == SessionClosed("s")
    with pytest.raises(WireError):
        decode_control('{"type":"session.closed","sessionId":"s","sessionId":1}')


def test_what_is_optional_may_be_null() -> None:
    frame = {**RESPONSE, "content": None, "errorCode": None, "errorContent": None}
    assert decode_control(json.dumps(frame)) == Response("r", True)
    silent = {"event": "call.error", "error_code": None, "error_message": None}
    assert decode_media(media("call_event", silent)) == CallEvent("call.error")


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ({**NOTIFY, "channel": 5}, "session.notify: $.channel: wrong type"),
        ({"type": "session.closed"}, "session.closed: $.session_id: something is missing"),
        ({**NOTIFY, "channel": "\ud800"}, "session.notify: $.channel: out of range"),
        ({"type": "setup", "data": 5}, "setup: $: wrong type"),
    ],
)
def test_an_error_says_where_and_what(frame: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_control(json.dumps(frame))
    assert str(caught.value) == sentence


def test_an_error_deep_inside_names_the_whole_path() -> None:
    with pytest.raises(WireError) as caught:
        decode_media(media("command", {**COMMAND, "data": {"ringTimeSeconds": "60"}}))
    assert str(caught.value) == "command: $.data.ring_time_seconds: wrong type"
