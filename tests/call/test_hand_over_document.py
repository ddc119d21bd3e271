"""What a call is handed over with: what is read, what is refused, and what it shows of itself."""

from __future__ import annotations

import copy
import itertools
import json
import logging
import pickle
import pprint
from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.peers.one_call import CALL_IN
from tests.support.shown_locals import shown_locals
from trio_calls import AudioFormat, AudioMode
from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.call.hand_over import hand_over_of
from trio_calls.sessions import HandOver, WSSHandOverError

pytestmark = pytest.mark.pure

FORMAT: Final = AudioFormat(8000, AudioMode.ISOLATED)
TOKEN: Final = CALL_IN.token

#: As the official client writes it.
OFFICIAL: Final[dict[str, Any]] = {
    "channel": "TELCO",
    "id": "call",
    "caller": "+65 9111 0000",
    "callee": "+65 6222 0000",
    "session_url": "ws://exchange/media",
    "session_token": TOKEN,
}
MISSING: Final = object()
JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def short(value: object) -> str:
    """Name a value in the name of a test."""
    return repr(value)[:20]


def handed_over() -> HandOver:
    return hand_over_of(CALL_IN, FORMAT)


def document(**changes: object) -> str:
    changed = {**OFFICIAL, "audio_format": {"sample_rate": 8000, "mode": "isolated"}, **changes}
    return json.dumps({name: value for name, value in changed.items() if value is not MISSING})


def test_the_document_is_the_one_of_the_official_client() -> None:
    assert json.loads(handed_over().document) == OFFICIAL
    assert list(json.loads(handed_over().document)) == list(OFFICIAL)


def test_the_audio_format_goes_beside_it() -> None:
    beside = {"audio_format": {"sample_rate": 8000, "mode": "isolated"}}
    assert json.loads(handed_over().to_json()) == OFFICIAL | beside


@pytest.mark.parametrize(("rate", "mode"), list(itertools.product(SAMPLE_RATES, AudioMode)))
def test_what_is_written_is_read(rate: int, mode: AudioMode) -> None:
    sent = hand_over_of(CALL_IN, AudioFormat(rate, mode))
    for text in (sent.to_json(), sent.to_json().encode()):
        assert HandOver.from_json(text) == sent


@pytest.mark.parametrize("withheld", [None, ""])
def test_who_withholds_their_number_is_nobody_in_it(withheld: str | None) -> None:
    address = attrs.evolve(CALL_IN, caller_number=withheld)
    sent = hand_over_of(address, FORMAT)
    # Readers of the official client want some text there.
    assert json.loads(sent.to_json())["caller"] == ""
    assert HandOver.from_json(sent.to_json()).caller_number is None
    assert HandOver.from_json(document(caller=None)).caller_number is None


def test_a_format_is_given_where_the_text_says_nothing() -> None:
    official = json.dumps(OFFICIAL)
    assert HandOver.from_json(official, FORMAT) == handed_over()
    with pytest.raises(WSSHandOverError, match="give audio_format"):
        HandOver.from_json(official)
    other = AudioFormat(24000, AudioMode.MIXED)
    assert HandOver.from_json(document(), other).audio_format == FORMAT


def test_keys_that_are_not_known_are_passed_over() -> None:
    text = document(version=2, expires=["never"], channel=MISSING)
    assert HandOver.from_json(text) == handed_over()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *itertools.product(["id"], [MISSING, None, 7, ["call"], "x" * 513]),
        *itertools.product(["caller", "callee"], [7, True, {}, "x" * 4097]),
        *itertools.product(
            ["session_url"],
            [
                MISSING,
                None,
                7,
                "",
                "http://exchange/media",
                "WS://exchange/media",
                "ws:exchange/media",
                "ws://",
                "ws:///media",
                "ws://somebody:word@exchange/media",
                "ws://@exchange/media",
                "ws://exchange:0/media",
                "ws://exchange:99999999/media",
                "ws://[::1/media",
                "ws://exchange/the media",
                "ws://exchange/media\r\nHost: another",
                "ws://exchange/media#token",
                "ws://exchange/" + "x" * 8192,
            ],
        ),
        *itertools.product(
            ["session_token"],
            [MISSING, None, 7, "", "two words", "one\r\nX-More: two", "schlüssel", "x" * 8193],
        ),
        *itertools.product(["channel"], ["WA", "telco", 7, ["TELCO"]]),
        *itertools.product(
            ["audio_format"],
            [
                "mixed",
                [],
                {},
                {"sample_rate": 8000},
                {"sample_rate": "8000", "mode": "mixed"},
                {"sample_rate": True, "mode": "mixed"},
                {"sample_rate": 8000.0, "mode": "mixed"},
                {"sample_rate": 44100, "mode": "mixed"},
                {"sample_rate": 8000, "mode": "stereo"},
                {"sample_rate": 8000, "mode": None},
            ],
        ),
    ],
    ids=short,
)
def test_what_cannot_be_right_is_refused(key: str, value: object) -> None:
    with pytest.raises(WSSHandOverError) as caught:
        HandOver.from_json(document(**{key: value}))
    assert str(caught.value).startswith("a call's hand-over cannot be used: $")
    assert_shows_nothing(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        '"text"',
        document()[:-1],
        document() + "}",
        document(more=MISSING).replace("{", '{"deep":' + "[" * 100 + "]" * 100 + ",", 1),
        document().replace("8000", "8" * 100),
        document().replace("8000", "NaN"),
        document(more="x" * 2**18),
        document().encode("utf-16"),
        document().encode() + b"\xff",
        document(id="call\udc80"),
        b"\xff" * 20,
    ],
    ids=short,
)
def test_what_is_no_document_at_all_is_refused(text: str | bytes) -> None:
    with pytest.raises(WSSHandOverError) as caught:
        HandOver.from_json(text)
    assert_shows_nothing(caught.value)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.just(value) | JSON_VALUES for name, value in json.loads(document()).items()
        },
    )
)
def test_whatever_it_holds_it_is_read_or_refused(said: dict[str, Any]) -> None:
    try:
        read = HandOver.from_json(json.dumps(said))
    except WSSHandOverError as error:
        assert_shows_nothing(error)
    else:
        assert HandOver.from_json(read.to_json()) == read


def assert_shows_nothing(error: WSSHandOverError) -> None:
    """Neither an error nor any frame that its traceback shows has the token."""
    assert error.__context__ is error.__cause__ is None
    for shown in (str(error), repr(error), shown_locals(error)):
        assert TOKEN not in shown
        assert "ws://" not in shown


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "%s".__mod__,
        pprint.pformat,
        lambda secret: repr([secret]),
        lambda secret: repr({"handed over": secret.to_json()}),
        lambda secret: repr((secret.document,)),
        lambda secret: repr(attrs.asdict(secret)),
    ],
)
def test_it_shows_nothing_but_the_name_of_the_call(show: Callable[[HandOver], str]) -> None:
    for secret in (handed_over(), HandOver.from_json(document())):
        assert TOKEN not in show(secret)
        assert "ws://" not in show(secret)
    assert repr(handed_over()) == "<HandOver of call call>"


def test_nor_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("an application").warning("%s, %r", handed_over(), handed_over())
    assert caplog.messages == ["<HandOver of call call>, <HandOver of call call>"]


def test_it_is_copied_pickled_and_compared_as_a_value() -> None:
    secret = handed_over()
    for other in (pickle.loads(pickle.dumps(secret)), copy.deepcopy(secret), copy.copy(secret)):
        assert other == secret
        assert hash(other) == hash(secret)
    assert secret != hand_over_of(attrs.evolve(CALL_IN, token="another-token"), FORMAT)


def test_the_name_of_a_call_forges_no_line_of_a_log() -> None:
    assert HandOver.from_json(document(id="c\x1b[2J\nERROR")).call_id == "c[2JERROR"
