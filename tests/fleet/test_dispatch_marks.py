"""The states of a dispatched call: how they are written down, and who may do what in each."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.fleet._dispatch_marks import (
    OPENED,
    WAITING,
    WITHDRAWN,
    Mark,
    Outlook,
    Stage,
    Verdict,
    opening,
    outlook,
    verdict,
    why_not_opened,
)

pytestmark = pytest.mark.pure

A, B = opening("a"), opening("b")


@pytest.mark.parametrize("mark", [WAITING, OPENED, WITHDRAWN, A, opening("host-1-ab cd")])
def test_what_is_written_is_read(mark: Mark) -> None:
    assert Mark.decode(mark.encode()) == mark


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "opening", "opening ", "waiting a", "waiting ", "opened by", "OPENED"),
        *("opening \x1b", "opening " + 200 * "a", "\0", "opening\na"),
    ],
)
def test_what_makes_no_sense_is_no_mark(text: str) -> None:
    with pytest.raises(ValueError, match="not the mark of a call"):
        Mark.decode(text)


@given(st.text())
def test_any_text_is_a_mark_or_refused(text: str) -> None:
    try:
        mark = Mark.decode(text)
    except ValueError:
        return
    assert mark.encode() == text


@pytest.mark.parametrize(
    ("mark", "idle", "expected"),
    [
        (None, None, Verdict.CLEAR),
        (None, 9, Verdict.CLEAR),
        (OPENED, None, Verdict.CLEAR),
        (WITHDRAWN, 9, Verdict.CLEAR),
        (WAITING, None, Verdict.TAKE),
        (WAITING, 1.1, Verdict.LEAVE),
        (WAITING, 1.2, Verdict.TAKE),
        # Redis delivers it as new, and it is not: the group was made again.
        (A, None, Verdict.LEAVE),
        (A, 1.9, Verdict.LEAVE),
        (A, 2.0, Verdict.TAKE),
    ],
)
def test_who_takes_a_call(mark: Mark | None, idle: float | None, expected: Verdict) -> None:
    assert verdict(mark, idle) is expected


def test_a_mark_is_opened_only_by_whose_it_is() -> None:
    marks = [None, WAITING, OPENED, WITHDRAWN, A, B]
    allowed = {
        (wanted, found)
        for wanted, found in itertools.product([A, B], marks)
        if why_not_opened(wanted, found) is None
    }
    assert allowed == {(A, A), (B, B)}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "its time to ring was over"),
        (WITHDRAWN, "the dispatcher has given it up"),
        (OPENED, "another worker has opened it"),
        (B, "another worker opens it"),
    ],
)
def test_why_it_must_not(found: Mark | None, words: str) -> None:
    assert why_not_opened(A, found) == words


@pytest.mark.parametrize("left", [10, 0, -5, -12])
@pytest.mark.parametrize("lost", [0, 1.9, 2])
@pytest.mark.parametrize("mark", [None, WAITING, OPENED, WITHDRAWN, A])
def test_what_a_dispatcher_does(mark: Mark | None, left: float, lost: float) -> None:
    found = outlook(mark, left_seconds=left, lost_seconds=lost)
    match mark:
        case Mark(Stage.OPENED | Stage.WITHDRAWN):
            expected = Outlook.DONE
        case Mark(Stage.OPENING):
            # Whoever opens it needs up to 12 s more.
            expected = Outlook.DECLINE if left == -12 else Outlook.WAIT
        case _ if left <= 0:
            expected = Outlook.DECLINE
        case None:
            # Who was opening it when Redis was lost has 2 s to say so.
            expected = Outlook.PUT_AGAIN if lost == 2 else Outlook.WAIT
        case _:
            expected = Outlook.WAIT
    assert found is expected
