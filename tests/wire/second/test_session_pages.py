"""The pages of sessions that the second wire's exchange lists over HTTP."""

from __future__ import annotations

import json

import pytest

from trio_calls.wire.codec import WireError
from trio_calls.wire.second.codec import decode_session_page, encode_session_page
from trio_calls.wire.second.control import Address
from trio_calls.wire.second.session_list import SessionInfo, SessionPage

SESSION = SessionInfo(
    "s", "+65 6222 0000", (Address("TELCO", "+65 9111 0000"),), 1_767_225_600_000, 1_767_225_601_000
)


def page(*items: object, **more: object) -> bytes:
    return json.dumps({"items": items, **more}).encode()


def test_a_page_is_said_word_for_word() -> None:
    body = encode_session_page(SessionPage((SESSION,), "50"))
    assert json.loads(body) == {
        "items": [
            {
                "sessionId": "s",
                "subscriber": "+65 6222 0000",
                "participants": [{"network": "TELCO", "value": "+65 9111 0000"}],
                "createdAt": 1_767_225_600_000,
                "lastActivityAt": 1_767_225_601_000,
            }
        ],
        "nextCursor": "50",
    }
    assert decode_session_page(body) == SessionPage((SESSION,), "50")


def test_the_last_page_has_no_cursor() -> None:
    body = encode_session_page(SessionPage(()))
    assert json.loads(body) == {"items": []}
    assert decode_session_page(body) == SessionPage((), None)
    assert decode_session_page(page(nextCursor=None)) == SessionPage((), None)


def test_what_an_exchange_did_not_say_is_empty() -> None:
    assert decode_session_page(page({}, {"newer": 1})) == SessionPage((SessionInfo(),) * 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"items":""}',
        b'{"items":{}}',
        b'{"items":"s"}',
        b'{"items":[7]}',
        page({"sessionId": 7}),
        page({"participants": ""}),
        page({"participants": {}}),
        page({"participants": [["TELCO", "+65"]]}),
        page({"participants": [{"network": "TELCO", "value": 65}]}),
        page({"createdAt": "now"}),
        page({"subscriber": "6" * 5000}),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        decode_session_page(body)


def test_a_refusal_quotes_nothing() -> None:
    with pytest.raises(WireError) as caught:
        decode_session_page(page({"participants": [{"network": "TELCO", "value": ["s3cr3t"]}]}))
    assert str(caught.value) == "$.items.participants.value: wrong type"
