"""The bodies of HTTP responses, both ways."""

from __future__ import annotations

import json

import pytest

from trio_calls.wire.codec import MAX_BODY_BYTES, WireError
from trio_calls.wire.first.codec import decode_body, decode_session_list, encode_body, read_created
from trio_calls.wire.first.control import SessionCreated
from trio_calls.wire.first.session_list import HttpRefusal, SessionClosure, SessionInfo

pytestmark = pytest.mark.pure

FULL = SessionInfo("s-1", "WA", "SDK", "CLOSED", "+1", "+2", 1767225600, 1767225601.5)


def test_a_list_on_the_wire() -> None:
    assert json.loads(encode_body([FULL, SessionInfo()])) == {
        "items": [
            {
                "id": "s-1",
                "channel": "WA",
                "initiator": "SDK",
                "state": "CLOSED",
                "remoteAddress": "+1",
                "localAddress": "+2",
                "openedAt": 1767225600,
                "closedAt": 1767225601.5,
            },
            {
                "id": "",
                "channel": "",
                "initiator": "",
                "state": "",
                "remoteAddress": "",
                "localAddress": "",
            },
        ]
    }


def test_what_was_written_is_read() -> None:
    assert decode_session_list(encode_body([FULL, SessionInfo()])) == [FULL, SessionInfo()]
    closure = SessionClosure(1, "FORCE_CLOSE")
    assert decode_body(encode_body(closure), SessionClosure) == closure
    refusal = HttpRefusal("FORBIDDEN", None)
    assert decode_body(encode_body(refusal), HttpRefusal) == refusal


@pytest.mark.parametrize(
    "body", [b'{"message":"why"}', b'{"code":7}', b'{"code":null}', b"7", b"\xff", b""]
)
def test_a_refusal_has_a_code(body: bytes) -> None:
    with pytest.raises(WireError):
        decode_body(body, HttpRefusal)


@pytest.mark.parametrize("message", ["7", "[]", '"' + "x" * 513 + '"'])
def test_a_refusal_is_read_without_its_words(message: str) -> None:
    body = f'{{"code":"X","message":{message}}}'.encode()
    assert decode_body(body, HttpRefusal) == HttpRefusal("X", None)


def test_a_list_may_be_as_long_as_it_may_be() -> None:
    rest = b'{"items":[]}'
    assert decode_session_list(rest[:-1] + b" " * (MAX_BODY_BYTES - len(rest)) + b"}") == []
    with pytest.raises(WireError, match="longer than"):
        decode_session_list(rest[:-1] + b" " * (MAX_BODY_BYTES - len(rest) + 1) + b"}")


def test_an_error_tells_the_place_and_not_the_content() -> None:
    with pytest.raises(WireError) as caught:
        decode_session_list(b'{"items":[{"remoteAddress":6591110000}]}')
    assert "remote_address: wrong type" in str(caught.value)
    assert "659111" not in str(caught.value)


def test_what_is_created() -> None:
    assert read_created({"sessionId": "s"}) == SessionCreated("s", is_new=True)
    assert read_created({"sessionId": "s", "created": False}).is_new is False
