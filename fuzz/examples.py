"""Real frames, from which every search for bad ones begins."""

from __future__ import annotations

import re
from typing import Final

from trio_calls.wire.codec import encode
from trio_calls.wire.commands import (
    ERROR,
    TERMINATED,
    CallEvent,
    CommandRequest,
    CommandResponse,
    RingTime,
)
from trio_calls.wire.dialing import (
    Dial,
    DialEnded,
    DialEvent,
    DialHangUp,
    DialPlaced,
    DialProgress,
    DialRefused,
    PickupKind,
)
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
from trio_calls.wire.names import CALL_UNANSWERED, TIMEOUT
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second import control as second
from trio_calls.wire.second.media import DIAL, Config, Flow

#: At least one message of each class of the first wire, with every field that it can have.
MESSAGES: Final[tuple[Message, ...]] = (
    Setup(24000, "mixed"),
    SetupDone("connection"),
    SessionNotify("session", "TELCO", "+65 9111 0000", "+65 6222 0000", "RESUME", 1.5),
    SessionOpen("request", "session"),
    SessionCreate("request", "WA", "6591110000"),
    CallFlowSetup("request", "ALL", True, False, True),
    MessageIn("session", "6591110000", {"type": "text", "text": {"body": "hello"}}),
    MessageOut("request", "session", "message", "v23.0", {"type": "text"}),
    Response("request", is_ok=True, content={"session": {"id": "session", "openedAt": 1}}),
    Response(
        "request",
        is_ok=False,
        error_code="SESSION_BUSY",
        error_content={"boundSmWsId": "other"},
    ),
    SessionReady("session"),
    CallIn(
        "session",
        "call",
        url="ws://host/",
        token="token",
        organisation_uuid="org",
        caller_number="+65 9111 0000",
        callee_number="+65 6222 0000",
    ),
    SessionClosed("session", "FORCE_CLOSE"),
    CommandRequest("command", "call.answer", 10_000),
    CommandRequest("command", "call.connect", 60_000, RingTime(60)),
    CommandResponse("command", success=True, result=[None, True, "é"]),
    CommandResponse("command", success=False, error_code=CALL_UNANSWERED, error_message="no"),
    CommandResponse("command", success=False, error_code=TIMEOUT),
    CallEvent(TERMINATED),
    CallEvent(ERROR, error_code="TTS_SESSION_ERROR", error_message="mute"),
    BufferRequest(960, 960, 0),
    Dial("+65 9111 0000", "+65 6222 0000", PickupKind.ANSWERS, 2.5, wants_recording=True),
    DialPlaced("call", 24000),
    DialProgress(DialEvent.CLAIMED, 0.25),
    DialHangUp(),
    DialEnded(12.5),
    DialRefused("no such number"),
)

#: The same of the second wire.
SECOND_MESSAGES: Final[tuple[Message, ...]] = (
    second.Setup(24000, "isolated", 2, ("credit_push", "framed_audio_v1")),
    SetupDone("connection"),
    second.CallNotify("call", "+65 6222 0000", "+65 9111 0000", "TELCO", 1.5),
    second.SessionOpen("request", "session", "+65 6222 0000"),
    second.SessionClaim("request", "session", "call"),
    second.CreateCall("request", "session", second.Address("TELCO", "+65 9111 0000")),
    Response("request", is_ok=True, content={"url": "ws://s3cr3t", "token": "s3cr3t"}),
    Response("request", is_ok=False, error_code="CALL_NOT_FOUND"),
    second.MessageIn("message", "+65 6222 0000", "6591110000", "WA", {"text": "s3cr3t"}),
    second.MessageOut(
        "request", "WA", "session", "message", second.MessageContent("v23.0", {"text": "s3cr3t"})
    ),
    second.TriggerConditionsSetup("request", "MISSED_ONLY", False, True, False),
    CommandRequest("command", DIAL, 30_000, RingTime(30)),
    CommandRequest("command", "call.answer", 10_000),
    CommandResponse("command", success=True, result={"leg": 1}),
    CommandResponse("command", success=False, error_code=TIMEOUT, error_message="no"),
    CallEvent(ERROR, error_code="TTS_SESSION_ERROR", error_message="mute"),
    Config(20),
    Flow(0, 1240, 60),
)

FRAMES: Final = tuple(encode(message) for message in (*MESSAGES, *SECOND_MESSAGES))

_WORD: Final = re.compile(r'"[^"]*"')

#: The strings of JSON in these frames, quotes included, and what is easily taken for a number.
WORDS: Final = (
    *sorted({word for frame in FRAMES for word in _WORD.findall(frame)}),
    *("true", "null", "-1", "1e9", "1e999", "NaN", "-Infinity", "16777217", r"\ud800", "[[", "{}"),
)
