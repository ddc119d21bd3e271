"""The messages of the second wire: what may be said, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.examples import SECOND_MESSAGES
from trio_calls.wire.call_flow import INBOUND_CALLS
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.message import Message, UnknownMessage
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.codec import (
    content_of,
    decode_control,
    decode_media,
    read_claimed,
    read_created_call,
    read_opened,
)
from trio_calls.wire.second.control import (
    Address,
    CallNotify,
    ClaimedCall,
    ControlMessage,
    CreateCall,
    CreatedCall,
    MessageContent,
    MessageIn,
    MessageOut,
    SessionClaim,
    SessionOpen,
    SessionOpened,
    Setup,
    TriggerConditionsSetup,
)
from trio_calls.wire.second.media import (
    DIAL,
    MAX_FRAME_MS,
    MAX_WINDOW_MS,
    Config,
    Flow,
    MediaMessage,
)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
bodies = st.dictionaries(words, words | st.integers() | st.none(), max_size=4)

control_messages: st.SearchStrategy[ControlMessage] = st.one_of(
    st.builds(
        Setup,
        st.sampled_from([8000, 16000, 24000]),
        st.sampled_from(["mixed", "isolated"]),
        st.integers(1, 9),
        st.lists(words, max_size=3).map(tuple),
    ),
    st.builds(CallNotify, words, words, st.none() | words, words, st.floats(0, 2**40)),
    st.builds(SessionOpen, *[words] * 3),
    st.builds(SessionClaim, *[words] * 3),
    st.builds(CreateCall, words, words, st.builds(Address, words, words)),
    st.builds(MessageIn, *[words] * 4, bodies),
    st.builds(MessageOut, *[words] * 4, st.builds(MessageContent, words, bodies)),
    st.builds(TriggerConditionsSetup, words, st.sampled_from(INBOUND_CALLS), *[st.booleans()] * 3),
)
media_messages: st.SearchStrategy[MediaMessage] = st.one_of(
    st.builds(Config, st.integers(1, MAX_FRAME_MS)),
    st.builds(Flow, st.integers(0, 255), st.integers(0, 2**43), st.integers(0, MAX_WINDOW_MS)),
)

#: What travels, word for word.
FRAMES: list[tuple[Callable[[str], object], Message, dict[str, Any]]] = [
    (
        decode_control,
        Setup(24000, "isolated", 2, ("credit_push", "framed_audio_v1")),
        {
            "type": "setup",
            "data": {
                "sampleRate": 24000,
                "audioMode": "isolated",
                "mediaProtocolVersion": 2,
                "mediaCapabilities": ["credit_push", "framed_audio_v1"],
            },
        },
    ),
    (decode_control, SetupDone("ws"), {"type": "setup.done", "smWsId": "ws"}),
    (
        decode_control,
        CallNotify("txn", "+65 6222 0000", "+65 9111 0000", "TELCO", 1_767_225_600),
        {
            "type": "call.notify",
            "txnUuid": "txn",
            "subscriber": "+65 6222 0000",
            "participant": "+65 9111 0000",
            "channel": "TELCO",
            "createdAt": 1_767_225_600,
        },
    ),
    (
        decode_control,
        SessionOpen("r", "s", "+65"),
        {"type": "session.open", "sessionId": "s", "subscriber": "+65", "reqId": "r"},
    ),
    (
        decode_control,
        SessionClaim("r", "s", "txn"),
        {"type": "session.claim", "sessionId": "s", "txnUuid": "txn", "reqId": "r"},
    ),
    (
        decode_control,
        CreateCall("r", "s", Address("TELCO", "+65")),
        {
            "type": "session.create_call",
            "sessionId": "s",
            "dest": {"network": "TELCO", "value": "+65"},
            "reqId": "r",
        },
    ),
    (
        decode_control,
        MessageIn("m", "+65", "6591", "WA", {"type": "text"}),
        {
            "type": "msg.in",
            "id": "m",
            "subscriber": "+65",
            "participant": "6591",
            "channel": "WA",
            "payload": {"type": "text"},
        },
    ),
    (
        decode_control,
        MessageOut("r", "WA", "s", "m", MessageContent("v23.0", {"to": "6591"})),
        {
            "type": "msg.out",
            "channel": "WA",
            "sessionId": "s",
            "clientMsgId": "m",
            "data": {"apiVersion": "v23.0", "data": {"to": "6591"}},
            "reqId": "r",
        },
    ),
    (
        decode_control,
        TriggerConditionsSetup("r", "MISSED_ONLY", False, True, False),
        {
            "type": "trigger_conditions.setup",
            "data": {
                "inboundCall": "MISSED_ONLY",
                "outboundCall": False,
                "inboundMessage": True,
                "outboundMessage": False,
            },
            "reqId": "r",
        },
    ),
    (
        decode_control,
        Response("r", is_ok=True, content={"created": True}),
        {"type": "response", "reqId": "r", "ok": True, "content": {"created": True}},
    ),
    (
        decode_media,
        CommandRequest("c", DIAL, 30_000, RingTime(30)),
        {
            "type": "command",
            "data": {
                "command_id": "c",
                "command": "call.dial",
                "timeout_ms": 30000,
                "data": {"ringTimeSeconds": 30},
            },
        },
    ),
    (
        decode_media,
        CommandResponse("c", success=True),
        {"type": "command_response", "data": {"command_id": "c", "success": True}},
    ),
    (
        decode_media,
        CallEvent("call.terminated"),
        {"type": "call_event", "data": {"event": "call.terminated"}},
    ),
    (decode_media, Config(20), {"type": "config", "data": {"frame_ms": 20}}),
    (
        decode_media,
        Flow(0, 40, 60),
        {"type": "flow", "data": {"track_id": 0, "drained_ms": 40, "window_ms": 60}},
    ),
]


@pytest.mark.parametrize(("decode", "message", "frame"), FRAMES)
def test_a_message_is_said_word_for_word(
    decode: Callable[[str], object], message: Message, frame: dict[str, Any]
) -> None:
    assert json.loads(encode(message)) == frame
    assert decode(json.dumps(frame)) == message


@pytest.mark.slow
@given(control_messages)
def test_a_control_message_survives_the_wire(message: ControlMessage) -> None:
    assert decode_control(encode(message)) == message


@pytest.mark.slow
@given(media_messages)
def test_a_media_message_survives_the_wire(message: MediaMessage) -> None:
    assert decode_media(encode(message)) == message


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"frame_ms": 0}, "$: out of range"),
        ({"frame_ms": MAX_FRAME_MS + 1}, "$: out of range"),
        ({"frame_ms": 20.0}, "$.frame_ms: wrong type"),
        ({"frame_ms": True}, "$.frame_ms: wrong type"),
        ({"frame_ms": "20"}, "$.frame_ms: wrong type"),
        ({}, "$.frame_ms: something is missing"),
        (None, "$: wrong type"),
    ],
)
def test_a_config_names_a_length_of_frames(data: object, fault: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_media(json.dumps({"type": "config", "data": data}))
    assert str(caught.value) == f"config: {fault}"


@pytest.mark.parametrize(
    "data",
    [
        {"track_id": 256},
        {"track_id": -1},
        {"drained_ms": -1},
        {"drained_ms": 1.5},
        {"drained_ms": 2**43 + 1},
        {"window_ms": -1},
        {"window_ms": MAX_WINDOW_MS + 1},
        {"window_ms": "60"},
        [],
    ],
)
def test_a_flow_is_three_numbers(data: object) -> None:
    with pytest.raises(WireError):
        decode_media(json.dumps({"type": "flow", "data": data}))


def test_what_a_flow_leaves_out_is_nothing() -> None:
    assert decode_media('{"type":"flow","data":{"drained_ms":null}}') == Flow(0, 0, 0)


def test_a_setup_without_a_version_is_of_the_first_wire() -> None:
    frame = '{"type":"setup","data":{"sampleRate":8000,"audioMode":"mixed"}}'
    assert decode_control(frame) == Setup(8000, "mixed", 1, ())


@pytest.mark.parametrize("capabilities", [7, "credit_push", {"credit_push": 1}, [7], [["x"]]])
def test_capabilities_that_make_no_sense_are_none(capabilities: object) -> None:
    data = {"sampleRate": 8000, "audioMode": "mixed", "mediaCapabilities": capabilities}
    frame = json.dumps({"type": "setup", "data": data})
    assert decode_control(frame) == Setup(8000, "mixed")


@pytest.mark.parametrize("destination", [None, "+65", ["TELCO", "+65"], {"network": "TELCO"}, {}])
def test_a_destination_is_an_address(destination: object) -> None:
    frame = {"type": "session.create_call", "sessionId": "s", "dest": destination, "reqId": "r"}
    with pytest.raises(WireError) as caught:
        decode_control(json.dumps(frame))
    assert caught.value.request_id == "r"
    assert caught.value.wire_type == "session.create_call"


def test_a_caller_who_is_withheld_costs_no_call() -> None:
    frame = {"type": "call.notify", "txnUuid": "txn", "subscriber": "+65", "participant": 7}
    assert decode_control(json.dumps(frame)) == CallNotify("txn", "+65")


def test_messages_of_the_first_wire_are_unknown_here() -> None:
    for wire_type in (
        "session.notify",
        "session.ready",
        "call.in",
        "wa.msg.out",
        "call_flow.setup",
    ):
        frame = json.dumps({"type": wire_type, "reqId": "r"})
        assert decode_control(frame) == UnknownMessage("r")
    assert decode_media('{"type":"buffer_request","data":{"requested_bytes":960}}') == (
        UnknownMessage()
    )


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (read_opened, SessionOpened(is_new=True)),
        (read_claimed, ClaimedCall("ws://exchange/media", "token")),
        (read_created_call, CreatedCall("call", "ws://exchange/media", "token")),
    ],
)
def test_an_answer_is_read_as_it_was_written(
    read: Callable[[object], object], answer: SessionOpened | ClaimedCall | CreatedCall
) -> None:
    content = json.loads(json.dumps(content_of(answer)))
    assert read({**content, "newer": 1}) == answer
    for name in content:
        with pytest.raises(WireError):
            read({**content, name: ["token"]})
    with pytest.raises(WireError):
        read(["token"])


def test_a_session_that_was_there_may_go_unsaid() -> None:
    assert read_opened({}) == SessionOpened(is_new=False)


@pytest.mark.parametrize("message", SECOND_MESSAGES, ids=lambda message: message.wire_type)
def test_no_message_shows_what_is_secret(message: Message) -> None:
    assert "s3cr3t" not in repr(message)


def test_no_answer_shows_where_and_how_to_connect() -> None:
    for answer in (ClaimedCall("ws://s3cr3t", "s3cr3t"), CreatedCall("c", "ws://s3cr3t", "s3cr3t")):
        assert "s3cr3t" not in repr(answer)
