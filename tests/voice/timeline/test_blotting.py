"""No number of a person is left in a record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.voice import EndReason, SpeechEnding
from trio_calls.voice.timeline.blotting import BLOT, Blotter
from trio_calls.voice.timeline.records import (
    CallOpened,
    CommandEnded,
    Heard,
    Note,
    RecordingEnded,
    RecordingStarted,
    Said,
)

pytestmark = pytest.mark.pure

CALLER, CALLEE = "+65 9111 0000", "1234"
BLOTTER = Blotter([CALLER, CALLEE, None])


def in_text(text: str, *, blotter: Blotter = BLOTTER) -> str:
    note = blotter.blot(Note(0.0, text, {}))
    assert isinstance(note, Note)
    return note.text


def in_details(value: Any) -> Any:
    note = BLOTTER.blot(Note(0.0, "", {"value": value}))
    assert isinstance(note, Note)
    return note.details["value"]


@pytest.mark.parametrize("number", [None, CALLER, "anonymous"])
def test_the_record_of_the_call(number: str | None) -> None:
    opened = CallOpened(0.0, 1, "id", number, number, 8000, "then", "PENDING", None)
    blotted = BLOTTER.blot(opened)
    assert isinstance(blotted, CallOpened)
    expected = None if number is None else BLOT
    assert (blotted.caller_number, blotted.callee_number) == (expected, expected)


@pytest.mark.parametrize(
    "number",
    [
        "+65 9111 0000",
        "+6591110000",
        "0065-9111-0000",
        "(65) 9111.0000",
        "9111 0000",
        "911\N{NO-BREAK SPACE}10\N{NON-BREAKING HYPHEN}000",
        "9 1 1 1 0 0 0 0",
        "٩١١١٠٠٠٠",
        "+1 (555) 010-0199",
        "030/12345-67",
        "5550199",
        "1234",
        "12-34",
        "1 2 3 4",
    ],
)
def test_numbers_are_blotted(number: str) -> None:
    assert in_text(f"Call {number}, please.") == f"Call {BLOT}, please."
    assert in_text(number) == BLOT


@pytest.mark.parametrize(
    "text",
    [
        "at 14:30",
        "in 2026",
        "12345",
        "01234",
        "12.50 and 13.50",
        "555 019",
        "1, 2, 3, 4",
        "a1234b5",
    ],
)
def test_other_figures_stay(text: str) -> None:
    blotted = in_text(text)
    assert blotted == text.replace("a1234b5", f"a{BLOT}b5")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (91110000, BLOT),
        (91110000.0, BLOT),
        (-6591110000, BLOT),
        (1234, BLOT),
        (12345, 12345),
        (1234567.5, 1234567.5),
        (1e300, BLOT),
        (True, True),
        (None, None),
        (["x", {"9111 0000": [91110000, "9111 0000", 0.5]}], ["x", {BLOT: [BLOT, BLOT, 0.5]}]),
    ],
)
def test_details_have_none_either(value: Any, expected: Any) -> None:
    assert in_details(value) == expected


def test_what_was_said_has_none() -> None:
    said = Said(1.0, 0.0, 1.0, 1.0, 1.0, SpeechEnding.HEARD, "You are on 9111 0000.", False)
    blotted = BLOTTER.blot(said)
    assert isinstance(blotted, Said)
    assert blotted.text == f"You are on {BLOT}."


def test_two_numbers_are_two_keys() -> None:
    blotted = in_details({"+65 9111 0000": "a", "6591110000": "b", "name": "c"})
    assert blotted == {BLOT: "a", f"{BLOT} (2)": "b", "name": "c"}


def test_names_of_files_keep_their_dates() -> None:
    def file_name(name: str) -> str:
        record = BLOTTER.blot(RecordingStarted(0.0, name, 0.0))
        assert isinstance(record, RecordingStarted)
        return record.path

    assert file_name("2026-11-28-164000.wav") == "2026-11-28-164000.wav"
    assert file_name("from +6591110000.wav") == f"from {BLOT}.wav"
    assert file_name("91110000_1234.wav") == f"{BLOT}_{BLOT}.wav"


def test_errors_have_no_number_of_the_call() -> None:
    failure = BLOTTER.blot(RecordingEnded(1.0, 1.0, "cannot write 6591110000.wav"))
    assert failure == RecordingEnded(1.0, 1.0, f"cannot write {BLOT}.wav")
    outcome = BLOTTER.blot(CommandEnded(1.0, "connect", 1.0, "WSSCallCommandError BUSY_1234"))
    assert outcome == CommandEnded(1.0, "connect", 1.0, f"WSSCallCommandError BUSY_{BLOT}")


@pytest.mark.parametrize("number", ["sip:alice@10.0.0.1", "alice"])
def test_a_name_in_place_of_a_number(number: str) -> None:
    blotter = Blotter([number])
    assert in_text("Alice, 10.0.0.1 and alicea", blotter=blotter) == (
        f"{BLOT}, 10.0.0.1 and alicea"
    )
    assert in_text(f"I am {number}", blotter=blotter) == f"I am {BLOT}"


@pytest.mark.parametrize("number", ["sip:+6591110000@10.0.0.1", "tel:+65-9111-0000", "6591110000"])
def test_a_number_in_an_address(number: str) -> None:
    record = Blotter([number]).blot(RecordingStarted(0.0, "65 9111 0000 at 9.wav", 0.0))
    assert record == RecordingStarted(0.0, f"{BLOT} at 9.wav", 0.0)


@pytest.mark.parametrize("number", ["", "+", "()", "@", "sip:"])
def test_a_number_that_is_none(number: str) -> None:
    assert in_text("nothing to hide", blotter=Blotter([number])) == "nothing to hide"


def test_records_without_words_are_left_alone() -> None:
    heard = Heard(1234567.0, 0.0, 0.0, 0.0, 0, EndReason.PAUSE)
    assert BLOTTER.blot(heard) is heard


@given(
    digits=st.text("0123456789", min_size=7, max_size=20),
    gaps=st.lists(st.text(" -.()/", max_size=3), min_size=20, max_size=20),
    around=st.text("abc ,;:!\n", max_size=5),
)
def test_no_run_of_seven_digits_is_left(digits: str, gaps: list[str], around: str) -> None:
    number = (
        "".join(digit + gap for digit, gap in zip(digits[:-1], gaps, strict=False)) + digits[-1]
    )
    blotted = in_text(around + number + around)
    assert not any(character.isdigit() for character in blotted)


def test_long_texts_take_no_time() -> None:
    for text in ("9" * 60_000, "9( " * 20_000, "91110 " * 10_000, "+(" * 30_000, "1234" * 15_000):
        in_text(text)
