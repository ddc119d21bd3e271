"""What a call of the second wire is handed over with: the document of its official client."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs
import pytest

from tests.support.peers.one_call import CALL_IN
from trio_calls import AudioFormat, AudioMode
from trio_calls.call.hand_over import address_of, hand_over_of
from trio_calls.sessions import HandOver, WSSHandOverError

pytestmark = pytest.mark.pure

FORMAT: Final = AudioFormat(8000, AudioMode.ISOLATED)
TOKEN: Final = CALL_IN.token

#: As the official client writes it.
OFFICIAL: Final[dict[str, Any]] = {
    "id": "call",
    "_origin": "incoming",
    "participant": {"network": "TELCO", "value": "+65 9111 0000"},
    "subscriber": "+65 6222 0000",
    "caller": "+65 9111 0000",
    "callee": "+65 6222 0000",
    "session_url": "ws://exchange/media",
    "session_token": TOKEN,
    "audio_config": {
        "sample_rate": 8000,
        "audio_mode": "isolated",
        "buffer_size": 1048576,
        "inbound_queue_maxsize": 1000,
    },
}
MISSING: Final = object()


def document(**changes: object) -> str:
    changed = {**OFFICIAL, **changes}
    return json.dumps({name: value for name, value in changed.items() if value is not MISSING})


def test_the_document_is_the_one_of_the_official_client() -> None:
    handed_over = hand_over_of(CALL_IN, FORMAT, "second")
    assert json.loads(handed_over.to_json()) == json.loads(handed_over.document) == OFFICIAL


def test_it_is_read_as_it_was_written() -> None:
    handed_over = hand_over_of(CALL_IN, FORMAT, "second")
    assert HandOver.from_json(handed_over.to_json()) == handed_over
    assert HandOver.from_json(document()) == handed_over
    assert handed_over.wire == "second"
    assert HandOver.from_json(document(), AudioFormat(24000)).audio_format == FORMAT


def test_a_call_out_is_the_subscribers_own() -> None:
    prepared = attrs.evolve(CALL_IN, is_prepared=True)
    handed_over = hand_over_of(prepared, FORMAT, "second")
    read = json.loads(handed_over.to_json())
    assert (read["_origin"], read["subscriber"]) == ("outgoing", CALL_IN.caller_number)
    assert read["participant"]["value"] == CALL_IN.callee_number
    assert address_of(HandOver.from_json(handed_over.to_json())).is_prepared


def test_who_withholds_a_number_is_handed_over() -> None:
    hidden = attrs.evolve(CALL_IN, caller_number=None)
    handed_over = hand_over_of(hidden, FORMAT, "second")
    assert HandOver.from_json(handed_over.to_json()).caller_number is None


def test_a_document_of_the_first_wire_stays_one() -> None:
    handed_over = hand_over_of(CALL_IN, FORMAT)
    assert "audio_config" not in json.loads(handed_over.to_json())
    assert HandOver.from_json(handed_over.to_json()).wire == "first"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": MISSING},
        {"id": 7},
        {"_origin": "elsewhere"},
        {"participant": MISSING},
        {"participant": "+65"},
        {"subscriber": None},
        {"caller": 65},
        {"callee": "6" * 5000},
        {"session_url": "http://exchange/media"},
        {"session_url": "ws://user@exchange/media"},
        {"session_token": ""},
        {"session_token": "a b"},
        {"audio_config": {}},
        {"audio_config": "mixed"},
        {"audio_config": {"sample_rate": 44100}},
        {"audio_config": {"sample_rate": 8000, "audio_mode": "stereo"}},
    ],
)
def test_a_document_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(WSSHandOverError, match="cannot be used"):
        HandOver.from_json(document(**changes))


def test_a_document_may_leave_out_what_its_reader_decides() -> None:
    read = HandOver.from_json(document(_origin=MISSING, audio_config={"sample_rate": 8000}))
    assert read.audio_format == AudioFormat(8000)


def test_it_shows_its_call_and_nothing_else() -> None:
    handed_over = HandOver.from_json(document())
    assert repr(handed_over) == "<HandOver of call call>"
