"""The frames of the protocol page, as it shows them."""

import json
from typing import Any

import pytest

from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.control_wire import Offered
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import (
    CallFlowSetup,
    CallIn,
    SessionClosed,
    SessionCreate,
    SessionNotify,
    SessionOpen,
    SessionReady,
    Setup,
)
from trio_calls.wire.first.media import BufferRequest
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import Message
from trio_calls.wire.responses import Response, SetupDone

CONTROL_FRAMES = [
    (
        '{"type":"setup","data":{"sampleRate":24000,"audioMode":"mixed"}}',
        Setup(24000, "mixed"),
    ),
    ('{"type":"setup.done","smWsId":"ws-1"}', SetupDone("ws-1")),
    (
        '{"type":"response","reqId":"r-1","ok":true,"content":{"session":{"id":"s-1"}}}',
        Response("r-1", True, {"session": {"id": "s-1"}}),
    ),
    (
        '{"type":"response","reqId":"r-1","ok":false,"errorCode":"SESSION_BUSY",'
        '"errorContent":{"boundSmWsId":"ws-2"}}',
        Response("r-1", False, error_code="SESSION_BUSY", error_content={"boundSmWsId": "ws-2"}),
    ),
    (
        '{"type":"session.notify","sessionId":"s-1","channel":"TELCO",'
        '"remoteAddress":"+4930","localAddress":"+4940","activity":"NEW_INCOMING_CALL",'
        '"createdAt":1760000000}',
        SessionNotify("s-1", "TELCO", "+4930", "+4940", "NEW_INCOMING_CALL", 1760000000),
    ),
    ('{"type":"session.ready","sessionId":"s-1"}', SessionReady("s-1")),
    (
        '{"type":"session.closed","sessionId":"s-1","reason":"FORCE_CLOSE"}',
        SessionClosed("s-1", "FORCE_CLOSE"),
    ),
    (
        '{"type":"call_flow.setup","data":{"inboundCall":"ALL","outboundCall":true,'
        '"inboundMessage":true,"outboundMessage":false},"reqId":"r-1"}',
        CallFlowSetup("r-1", "ALL", True, True, False),
    ),
    (
        '{"type":"wa.msg.out","data":{"sessionId":"s-1","clientMsgId":"m-1","apiVersion":"v23.0",'
        '"data":{"type":"text","text":{"body":"hi","nothing":null}}},"reqId":"r-1"}',
        MessageOut(
            "r-1",
            "s-1",
            "m-1",
            "v23.0",
            {"type": "text", "text": {"body": "hi", "nothing": None}},
        ),
    ),
    (
        '{"type":"wa.msg.in","sessionId":"s-1","sender":"6591112222","content":{"text":["hi"]}}',
        MessageIn("s-1", "6591112222", {"text": ["hi"]}),
    ),
]

MEDIA_FRAMES = [
    (
        '{"type":"command","data":{"command_id":"c-1","command":"call.connect",'
        '"timeout_ms":60000,"data":{"ringTimeSeconds":60}}}',
        CommandRequest("c-1", "call.connect", 60000, RingTime(60)),
    ),
    (
        '{"type":"command","data":{"command_id":"c-1","command":"call.answer","timeout_ms":10000}}',
        CommandRequest("c-1", "call.answer", 10000),
    ),
    (
        '{"type":"command_response","data":{"command_id":"c-1","success":false,'
        '"error_code":"CALL_UNANSWERED","error_message":"nobody picked up"}}',
        CommandResponse(
            "c-1", False, error_code="CALL_UNANSWERED", error_message="nobody picked up"
        ),
    ),
    ('{"type":"call_event","data":{"event":"call.terminated"}}', CallEvent("call.terminated")),
    (
        '{"type":"call_event","data":{"event":"call.error","error_code":"TTS_SESSION_ERROR",'
        '"error_message":"no voice"}}',
        CallEvent("call.error", "TTS_SESSION_ERROR", "no voice"),
    ),
    (
        '{"type":"call_event","data":{"leg":{"name":"caller","nothing":null},"event":"call.error"}}',
        CallEvent("call.error", details={"leg": {"name": "caller", "nothing": None}}),
    ),
    (
        '{"type":"buffer_request","data":{"requested_bytes":960,'
        '"prefer_audio_frame_bytes":960,"channelId":0}}',
        BufferRequest(960, 960, 0),
    ),
]

#: Frames that the page describes without fixing the order of their keys.
DESCRIBED_FRAMES = [
    (
        {"type": "session.open", "sessionId": "s-1", "reqId": "r-1"},
        SessionOpen(request_id="r-1", session_id="s-1"),
    ),
    (
        {"type": "session.create", "channel": "WA", "remoteAddress": "6591", "reqId": "r-1"},
        SessionCreate(request_id="r-1", channel="WA", remote_address="6591"),
    ),
    (
        {
            "type": "call.in",
            "sessionId": "s-1",
            "callId": "call-1",
            "orgUuid": "org-1",
            "from": "+4930",
            "to": "+4940",
            "url": "wss://media.example/call-1",
            "token": "t",
        },
        CallIn(
            "s-1",
            "call-1",
            url="wss://media.example/call-1",
            token="t",
            organisation_uuid="org-1",
            caller_number="+4930",
            callee_number="+4940",
        ),
    ),
]


@pytest.mark.parametrize(("frame", "message"), CONTROL_FRAMES)
def test_a_control_frame_of_the_page_stays_as_it_is(frame: str, message: Message) -> None:
    assert decode_control(frame) == message
    assert encode(message) == frame


@pytest.mark.parametrize(("frame", "message"), MEDIA_FRAMES)
def test_a_media_frame_of_the_page_stays_as_it_is(frame: str, message: Message) -> None:
    assert decode_media(frame) == message
    assert encode(message) == frame


@pytest.mark.parametrize(("frame", "message"), DESCRIBED_FRAMES)
def test_a_described_frame_is_read_and_written(frame: dict[str, Any], message: Message) -> None:
    assert decode_control(json.dumps(frame)) == message
    assert json.loads(encode(message)) == frame


def test_a_success_may_carry_an_empty_result() -> None:
    frame = '{"type":"command_response","data":{"command_id":"c-1","success":true,"result":null}}'
    assert decode_media(frame) == CommandResponse("c-1", True)


@pytest.mark.parametrize("absent", ["prefer_audio_frame_bytes", "channelId"])
def test_a_buffer_request_has_the_documented_defaults(absent: str) -> None:
    data = {"requested_bytes": 1920, "prefer_audio_frame_bytes": 960, "channelId": 0}
    del data[absent]
    message = decode_media(json.dumps({"type": "buffer_request", "data": data}))
    assert message == BufferRequest(1920, 960, 0)


@pytest.mark.parametrize(
    ("channel", "activity", "offers"),
    [
        ("TELCO", "NEW_INCOMING_CALL", True),
        ("TELCO", "RESUME", True),
        ("TELCO", "NEW_INCOMING_MESSAGE", False),
        ("TELCO", "SOMETHING_NEWER", False),
        ("WA", "NEW_INCOMING_CALL", False),
        ("WA", "NEW_INCOMING_MESSAGE", False),
    ],
)
def test_only_a_ringing_telephone_is_an_offered_call(
    channel: str, activity: str, offers: bool
) -> None:
    assert Offered("s-1", channel, activity=activity).offers_call is offers


def test_the_repr_of_a_call_hides_its_token() -> None:
    call = CallIn("s-1", "call-1", "wss://host/s3cr3t-url", "s3cr3t-token")
    assert "s3cr3t" not in repr(call)
    assert "call-1" in repr(call)


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"wa.msg.out","data":{"sessionId":"s","clientMsgId":"m","apiVersion":"v",'
        '"data":{},"reqId":"inside"}}',
        '{"type":"wa.msg.in","sessionId":"s-1","sender":"1","content":"text"}',
        '{"type":"wa.msg.in","sessionId":"s-1","sender":"1","content":[1]}',
    ],
)
def test_a_message_without_its_parts_is_refused(frame: str) -> None:
    with pytest.raises(WireError):
        decode_control(frame)


def test_a_refused_request_names_the_id_beside_its_data() -> None:
    frame = '{"type":"call_flow.setup","data":{"inboundCall":"SOME"},"reqId":"r-1"}'
    with pytest.raises(WireError) as refused:
        decode_control(frame)
    assert refused.value.request_id == "r-1"


def test_what_people_write_is_in_no_repr() -> None:
    written = MessageOut("r", "s", "m", "v", {"body": "private"})
    read = MessageIn("s", "1", {"body": "private"})
    assert "private" not in repr(written) + repr(read)
