"""Records become lines and come back, and what is no timeline is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.voice import EndReason, SpeechEnding, TimelineError
from trio_calls.voice.timeline.json_lines import parse_timeline, read_timeline, to_line
from trio_calls.voice.timeline.records import (
    KNOWN_KINDS,
    CallOpened,
    CommandEnded,
    Heard,
    Interrupted,
    ModeChanged,
    Note,
    Paused,
    Record,
    RecordingEnded,
    RecordingStarted,
    Resumed,
    Said,
    StateChanged,
    Turn,
    UnknownRecord,
)

pytestmark = pytest.mark.pure

OPENED = CallOpened(
    0.0,
    1,
    "call-1",
    "+65 9111 0000",
    None,
    24_000,
    "2026-11-28T08:40:00.000+00:00",
    "ANSWERED",
    None,
)

EXAMPLES: list[Record] = [
    OPENED,
    StateChanged(0.5, "CONNECTED"),
    StateChanged(9.0, "DISCONNECTED", "CALLER"),
    ModeChanged(0.5, "WHISPER"),
    CommandEnded(0.25, "connect", 4.5, "WSSCallCommandError CALL_UNANSWERED"),
    Heard(2.125, 0.5, 1.375, 2.075, 0, EndReason.PAUSE),
    Said(4.0, 3.0, 3.75, 1.0, 0.75, SpeechEnding.INTERRUPTED, "Hello,", True),
    Said(4.0, None, 3.75, 1.0, 0.0, SpeechEnding.CALL_OVER, None, False),
    Paused(1.0, "sound"),
    Resumed(1.25, "application"),
    Interrupted(1.5, 2),
    Turn(3.0, 1.375, 0.75, 0.5, 0.25, 0.125, 1.625),
    RecordingStarted(0.0, "call.wav", -0.125),
    RecordingEnded(9.0, 9.125, "the disk is full"),
    RecordingEnded(9.0, 9.125, None),
    Note(1.0, "asked the database", {"rows": 3, "ok": True, "more": [None, {"a": 1.5}]}),
    UnknownRecord(1.0, "weather", {"at": 1.0, "kind": "weather", "rain": [1, 2]}),
]


def content(*records: Record) -> bytes:
    return b"".join(map(to_line, records))


def line(record: Record, **changes: Any) -> bytes:
    """Return a line after the first in which some members are others, or (with ...) are gone."""
    members = json.loads(to_line(record)) | changes
    left = {name: value for name, value in members.items() if value is not ...}
    return content(OPENED) + json.dumps(left).encode() + b"\n"


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: record.kind)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert parse_timeline(content(OPENED, record)) == [OPENED, record]


def test_there_is_an_example_of_each_kind() -> None:
    assert {type(record) for record in EXAMPLES} == {*KNOWN_KINDS, UnknownRecord}


def test_the_members_of_each_kind_are_as_documented() -> None:
    members = {
        record.kind: set(json.loads(to_line(record))) - {"at", "kind"} for record in EXAMPLES
    }
    assert members == {
        "call": {
            *("version", "call_id", "caller_number", "callee_number", "sample_rate"),
            *("opened_at", "state", "mode", "forgotten"),
        },
        "state": {"state", "ending"},
        "mode": {"mode"},
        "command": {"command", "seconds", "outcome"},
        "heard": {"start", "speech_end", "end", "channel", "reason"},
        "said": {
            *("start", "end", "seconds", "heard_seconds", "ending"),
            *("text", "is_text_estimated"),
        },
        "paused": {"reason"},
        "resumed": {"reason"},
        "interrupted": {"channel"},
        "turn": {"speech_end", "pause", "thinking", "synthesis", "queue", "total"},
        "recording": {"path", "start"},
        "recording_ended": {"seconds", "failure"},
        "note": {"text", "details"},
        "weather": {"rain"},
    }


def test_a_line_is_for_people_too() -> None:
    said = Said(4.00049, 3.0, 3.9996, 1.0, 1.0, SpeechEnding.HEARD, "Grüß Gott", False)
    assert to_line(said).decode() == (
        '{"at": 4.0, "kind": "said", "start": 3.0, "end": 4.0, "seconds": 1.0, '
        '"heard_seconds": 1.0, "ending": "HEARD", "text": "Grüß Gott", '
        '"is_text_estimated": false}\n'
    )


@given(
    text=st.text(st.characters()),
    details=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)
def test_any_text_is_one_line_and_comes_back(text: str, details: Any) -> None:
    note = Note(1.0, text, {"details": details})
    assert to_line(note).count(b"\n") == 1
    assert parse_timeline(content(OPENED, note))[1] == note


def test_half_a_character_is_written_too() -> None:
    note = Note(1.0, "\ud83d, cut off", {})
    assert parse_timeline(content(OPENED, note))[1] == note


def test_a_last_line_that_was_cut_is_left_out() -> None:
    whole = content(OPENED, EXAMPLES[1])
    start = len(content(OPENED))
    for size in range(start, len(whole)):
        expected = EXAMPLES[:2] if size == len(whole) - 1 else [OPENED]
        assert parse_timeline(whole[:size]) == expected


def test_members_of_a_newer_version_are_left_out() -> None:
    assert parse_timeline(line(EXAMPLES[1], colour="blue"))[1] == EXAMPLES[1]


@pytest.mark.parametrize("name", ["ending", "forgotten"])
def test_some_members_need_not_be_there(name: str) -> None:
    record = EXAMPLES[1] if name == "ending" else OPENED
    assert parse_timeline(line(record, **{name: ...}))[1] == record


def test_another_version_is_refused() -> None:
    newer = to_line(attrs.evolve(OPENED, version=2))
    with pytest.raises(TimelineError, match=r"^line 1: this is version 2 .* only 1 is known here$"):
        parse_timeline(newer)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": ...}, "'kind' is missing"),
        ({"kind": 7}, "'kind' must be text"),
        ({"at": ...}, "'at' is missing"),
        ({"at": "noon"}, "'at' must be a number"),
        ({"at": True}, "'at' must be a number"),
        ({"at": 10**400}, "'at' must be a number"),
        ({"start": "soon"}, "'start' must be a number or null"),
        ({"text": 7}, "'text' must be text or null"),
        ({"is_text_estimated": 1}, "'is_text_estimated' must be true or false"),
        ({"ending": "BORED"}, "'ending' must be why a speech is over"),
        ({"ending": []}, "'ending' must be why a speech is over"),
        ({"heard_seconds": ...}, "'heard_seconds' is missing"),
    ],
)
def test_what_makes_no_sense_is_told(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TimelineError, match=f"^line 2: {complaint}$"):
        parse_timeline(line(EXAMPLES[6], **changes))


@pytest.mark.parametrize(
    ("record", "changes", "complaint"),
    [
        (EXAMPLES[5], {"reason": "bored"}, "'reason' must be why an utterance has ended"),
        (EXAMPLES[5], {"channel": 1.5}, "'channel' must be a whole number"),
        (EXAMPLES[5], {"channel": True}, "'channel' must be a whole number"),
        (EXAMPLES[15], {"details": [1]}, "'details' must be an object"),
        (EXAMPLES[16], {"at": None}, "'at' must be a number"),
    ],
)
def test_of_other_kinds_as_well(record: Record, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TimelineError, match=f"^line 2: {complaint}$"):
        parse_timeline(line(record, **changes))


@pytest.mark.parametrize(
    "nonsense",
    [
        b"secret",
        b"",
        b"\xff",
        b'{"at": NaN}',
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"at": 1, "kind": "note", "text": "sec',
    ],
)
def test_lines_that_are_no_json_are_refused(nonsense: bytes) -> None:
    with pytest.raises(TimelineError, match=r"^line 2: this is no JSON$"):
        parse_timeline(content(OPENED) + nonsense + b"\n")


@pytest.mark.parametrize("other", [b"[]", b"7", b"null", b'"text"'])
def test_other_json_is_refused(other: bytes) -> None:
    with pytest.raises(TimelineError, match=r"^line 2: this is no JSON object$"):
        parse_timeline(content(OPENED) + other + b"\n")


def test_the_call_comes_first() -> None:
    with pytest.raises(TimelineError, match=r"^line 1: a timeline begins with"):
        parse_timeline(content(EXAMPLES[1], OPENED))


@pytest.mark.parametrize("start", [b"", b'{"at": 0, "ki', b"\n"])
def test_a_file_without_a_call_is_none(start: bytes) -> None:
    with pytest.raises(TimelineError):
        parse_timeline(start)


def test_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_bytes(content(*EXAMPLES))
    assert read_timeline(path) == EXAMPLES
    path.write_bytes(b"nothing of the kind\n")
    with pytest.raises(TimelineError, match=r"call\.jsonl: line 1: this is no JSON$"):
        read_timeline(path)
    with pytest.raises(FileNotFoundError):
        read_timeline(tmp_path / "other.jsonl")
