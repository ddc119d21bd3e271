"""What holds for JSON that is no frame: lists of sessions, what answers hold, calls handed over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from fuzz.meaning import NO_JSON, check_fields, faults
from trio_calls.call.hand_over import HandOver
from trio_calls.errors import WSSHandOverError
from trio_calls.wire.codec import WireError, parse, unstructure
from trio_calls.wire.first import codec as first
from trio_calls.wire.first.control import SessionCreated
from trio_calls.wire.first.hand_over import HandedOverFormat
from trio_calls.wire.first.hand_over import HandOverDocument as FirstDocument
from trio_calls.wire.first.session_list import HttpRefusal, SessionClosure
from trio_calls.wire.first.session_list import SessionInfo as FirstSession
from trio_calls.wire.hand_overs import decode_hand_over
from trio_calls.wire.second import codec as second
from trio_calls.wire.second.control import Address, ClaimedCall, CreatedCall, SessionOpened
from trio_calls.wire.second.hand_over import AudioConfig
from trio_calls.wire.second.hand_over import HandOverDocument as SecondDocument
from trio_calls.wire.second.session_list import SessionInfo, SessionPage

_SESSIONS: Final = (
    FirstSession("call", "TELCO", "SDK", "OPEN", "+65 9111 0000", "+65 6222 0000", 1.5),
    FirstSession("chat", "WA", "CONNECTOR", "CLOSED", "6591110000", "6562220000", 1, 2),
)
_PAGE: Final = SessionPage(
    (
        SessionInfo("one", "+65 6222 0000", (Address("TELCO", "+65 9111 0000"),), 1500, 2500),
        SessionInfo("two", "+65 6222 0000", (), 1500, 1500),
    ),
    next_cursor="2",
)
_HANDED_OVER: Final = (
    FirstDocument(
        id="call",
        caller="+65 9111 0000",
        session_url="ws://host/media?call",
        session_token="s3cr3t",
        audio_format=HandedOverFormat(8000, "isolated"),
    ),
    SecondDocument(
        id="call",
        origin="outgoing",
        participant=Address("TELCO", "+65 9111 0000"),
        subscriber="+65 6222 0000",
        caller="+65 6222 0000",
        callee="+65 9111 0000",
        session_url="wss://host:8080/media",
        session_token="s3cr3t",
        audio_config=AudioConfig(sample_rate=24000),
    ),
)
_CONTENTS: Final = (
    SessionOpened(True),
    ClaimedCall("ws://host/media", "s3cr3t"),
    CreatedCall("call", "ws://host/media", "s3cr3t"),
    SessionCreated("session", True),
    SessionClosure(12.5, "FORCE_CLOSE"),
    HttpRefusal("SESSION_NOT_FOUND", "no"),
)

_CLASSES: Final = {
    *(type(each) for each in (*_SESSIONS, *_HANDED_OVER, *_CONTENTS, _PAGE)),
    *(SessionInfo, Address, AudioConfig, HandedOverFormat),
}

#: Every error that there is: no word in it comes from a document.
_ERRORS: Final = re.compile(
    rf"({faults(_CLASSES)}|{NO_JSON}|\$\.items must be there, and be an array)"
)
_HAND_OVER_ERRORS: Final = re.compile(
    rf"a call's hand-over cannot be used: ({_ERRORS.pattern}"
    r"|it does not say in which format its audio is: give audio_format)"
)
_WORD: Final = re.compile(r'"[^"]*"')


def seeds() -> list[bytes]:
    """A document of each kind, and some that are wrong."""
    right = (
        first.encode_body(_SESSIONS),
        second.encode_session_page(_PAGE),
        *(json.dumps(unstructure(each)).encode() for each in (*_HANDED_OVER, *_CONTENTS)),
    )
    wrong = (b"", b"{", b"[]", b"\xff", b'{"items":7}', b'{"items":[[]]}', b'{"audio_config":{}}')
    return [*right, *wrong]


def words() -> tuple[str, ...]:
    """What documents are made of."""
    found = {word for seed in seeds() for word in _WORD.findall(seed.decode(errors="replace"))}
    return (*sorted(found), "true", "null", "-1", "1e9", "1e999", "NaN", r"\ud800", "[[", "{}")


def check(data: bytes) -> None:
    """Read a document in every way, and raise `AssertionError` if something is amiss.

    What is read means what the document said, and comes out again as it was; everything else is
    one of the errors that quote nothing. Both times, if it is read twice.
    """
    text = data.decode(errors="replace")
    for read in _READERS:
        outcome = _outcome(read, data)
        assert _outcome(read, data) == outcome, "the same document came to something else"
        if isinstance(outcome, str):
            assert _ERRORS.fullmatch(outcome), "no such error is documented"
        elif isinstance(outcome, list):
            said = json.loads(data)["items"]
            assert len(outcome) == len(said)
            for item, said_item in zip(outcome, said, strict=True):
                check_fields(item, said_item)
            assert read(first.encode_body(outcome)) == outcome
        else:
            check_fields(outcome, json.loads(text))
            assert read(json.dumps(unstructure(outcome)).encode()) == outcome
    _check_hand_over(text)


def _content(read: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """Read what has been parsed with a frame."""
    return lambda data: read(parse(data.decode(errors="replace")))


_READERS: Final[Sequence[Callable[[bytes], Any]]] = (
    first.decode_session_list,
    lambda data: first.decode_body(data, SessionClosure),
    lambda data: first.decode_body(data, HttpRefusal),
    second.decode_session_page,
    lambda data: decode_hand_over(data.decode(errors="replace")),
    *map(_content, (first.read_created, second.read_opened, second.read_claimed)),
    _content(second.read_created_call),
)


def _outcome(read: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return read(data)
    except WireError as error:
        return str(error)


def _check_refusal(refusal: WSSHandOverError) -> None:
    assert _HAND_OVER_ERRORS.fullmatch(str(refusal)), "no such error is documented"


def _check_hand_over(text: str) -> None:
    """What another process hands over is a call, of which nothing secret shows, or an error."""
    try:
        handed_over = HandOver.from_json(text)
    except WSSHandOverError as refusal:
        _check_refusal(refusal)
        return
    assert HandOver.from_json(handed_over.to_json()) == handed_over
    assert repr(handed_over) == f"<HandOver of call {handed_over.call_id}>"
    assert handed_over.wire == ("second" if "audio_config" in json.loads(text) else "first")
    assert attrs.asdict(handed_over)["_token"] == json.loads(text)["session_token"]
