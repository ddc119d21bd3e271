"""Whatever can be sent comes out the other end as it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.wire.call_flow import INBOUND_CALLS
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.first.codec import decode_control, decode_media
from trio_calls.wire.first.control import (
    CallFlowSetup,
    CallIn,
    ControlMessage,
    SessionClosed,
    SessionCreate,
    SessionNotify,
    SessionOpen,
    SessionReady,
    Setup,
)
from trio_calls.wire.first.media import BufferRequest, MediaMessage
from trio_calls.wire.first.messaging import MessageIn, MessageOut
from trio_calls.wire.message import Message
from trio_calls.wire.responses import Response, SetupDone

pytestmark = pytest.mark.slow

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=512)
finite = st.floats(allow_nan=False, allow_infinity=False)
contents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | finite | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)
bodies = st.dictionaries(words, contents, max_size=4)
#: What is null is as good as not there, and these names have fields of their own.
details = st.dictionaries(words, contents.filter(lambda value: value is not None), max_size=4).map(
    lambda more: {
        name: value
        for name, value in more.items()
        if name not in {"event", "error_code", "error_message"}
    }
)
byte_counts = st.integers(1, 2**24)

control_messages: st.SearchStrategy[ControlMessage] = st.one_of(
    st.builds(Setup, st.sampled_from([8000, 16000, 24000]), st.sampled_from(["mixed", "isolated"])),
    st.builds(SetupDone, words),
    st.builds(SessionNotify, words, words, words, words, words, finite | st.integers(0, 2**53)),
    st.builds(SessionOpen, words, words),
    st.builds(Response, words, st.booleans(), contents, st.none() | words, contents),
    st.builds(SessionReady, words),
    st.builds(
        CallIn,
        *[words] * 5,
        caller_number=st.none() | words,
        callee_number=st.none() | words,
    ),
    st.builds(SessionClosed, words, words),
    st.builds(SessionCreate, *[words] * 3),
    st.builds(CallFlowSetup, words, st.sampled_from(INBOUND_CALLS), *[st.booleans()] * 3),
    st.builds(MessageIn, words, words, bodies),
    st.builds(MessageOut, *[words] * 4, bodies),
)
media_messages: st.SearchStrategy[MediaMessage] = st.one_of(
    st.builds(
        CommandRequest,
        words,
        words,
        st.integers(0, 2**64),
        st.none() | st.builds(RingTime, st.integers(1, 120) | st.floats(1, 120)),
    ),
    st.builds(
        CommandResponse, words, st.booleans(), contents, st.none() | words, st.none() | words
    ),
    st.builds(CallEvent, words, st.none() | words, st.none() | words, details),
    st.builds(BufferRequest, byte_counts, byte_counts, st.integers(0, 255)),
)


@given(control_messages)
def test_a_control_message_survives_the_wire(message: ControlMessage) -> None:
    assert decode_control(encode(message)) == message


@given(media_messages)
def test_a_media_message_survives_the_wire(message: MediaMessage) -> None:
    assert decode_media(encode(message)) == message


@given(control_messages | media_messages)
def test_a_frame_is_one_ascii_json_object_with_its_type(message: Message) -> None:
    frame = encode(message)
    assert frame.isascii()
    assert "\n" not in frame
    assert json.loads(frame)["type"] == message.wire_type


@given(media_messages)
def test_an_absent_value_is_left_out(message: MediaMessage) -> None:
    absent = {"data", "result", "error_code", "error_message"}
    sent = json.loads(encode(message))["data"]
    assert [key for key in absent & sent.keys() if sent[key] is None] == []
