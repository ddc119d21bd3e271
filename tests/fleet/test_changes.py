"""What waits to be written while Redis is slow or gone: the latest of each call."""

from __future__ import annotations

import pytest

from trio_calls.fleet._changes import (
    MAX_ANSWERS,
    MAX_CALLS,
    MAX_EVENTS,
    MAX_PIECE,
    Batch,
    Changes,
)
from trio_calls.fleet._events import CallEvent, CallEventKind
from trio_calls.fleet._orders import Answer, AnswerKind
from trio_calls.state import CallState

pytestmark = pytest.mark.pure

DONE = Answer(kind=AnswerKind.DONE)


def event(number: int) -> CallEvent:
    return CallEvent(
        kind=CallEventKind.STATE, number=number, seconds=0.0, state=CallState.PENDING, mode=None
    )


def make_changes() -> Changes:
    """Make some of which the first, which is everything, was taken."""
    changes = Changes()
    changes.take()
    return changes


def take_all(changes: Changes) -> list[Batch]:
    """Take what there is, piece by piece."""
    pieces = [changes.take()]
    while pieces[-1].has_more:
        pieces.append(changes.take())
    assert not changes
    assert all(len(piece.events) <= MAX_PIECE >= len(piece.answers) for piece in pieces)
    return pieces


def numbers_of(pieces: list[Batch]) -> list[int]:
    return [event.number for piece in pieces for _, event in piece.events]


def test_everything_is_written_first() -> None:
    changes = Changes()
    changes.add_call("a")
    assert changes
    batch = changes.take()
    assert (batch.is_all, batch.call_ids) == (True, frozenset())
    assert not changes


def test_a_call_that_changes_often_is_written_once() -> None:
    changes = make_changes()
    for _ in range(100):
        changes.add_call("a")
    assert changes
    assert changes.take().call_ids == {"a"}
    assert not changes


def test_too_many_calls_are_all_calls() -> None:
    changes = make_changes()
    for number in range(MAX_CALLS + 1):
        changes.add_call(str(number))
    batch = changes.take()
    assert (batch.is_all, batch.call_ids) == (True, frozenset())


def test_the_oldest_events_are_dropped_and_counted() -> None:
    changes = make_changes()
    for number in range(MAX_EVENTS + 3):
        changes.add_event("a", event(number))
    events = numbers_of(take_all(changes))
    assert events == list(range(3, MAX_EVENTS + 3))
    assert changes.dropped_events == 3


def test_answers_are_bounded_too() -> None:
    changes = make_changes()
    for number in range(MAX_ANSWERS + 1):
        changes.add_answer(str(number), DONE)
    answers = [answer for piece in take_all(changes) for answer in piece.answers]
    assert (len(answers), answers[0]) == (MAX_ANSWERS, ("1", DONE))


def test_a_piece_that_is_given_back_is_the_next() -> None:
    changes = make_changes()
    for number in range(3 * MAX_PIECE):
        changes.add_event("a", event(number))
    changes.take()
    changes.give_back(changes.take())
    assert numbers_of(take_all(changes)) == list(range(MAX_PIECE, 3 * MAX_PIECE))


def test_what_is_given_back_comes_before_what_is_new() -> None:
    changes = make_changes()
    changes.add_call("a")
    changes.add_event("a", event(0))
    changes.add_answer("1", DONE)
    batch = changes.take()
    changes.add_event("a", event(1))
    changes.add_answer("2", DONE)
    changes.give_back(batch)
    again = changes.take()
    assert again.is_all
    assert [each.number for _, each in again.events] == [0, 1]
    assert [order_id for order_id, _ in again.answers] == ["1", "2"]


def test_what_is_given_back_does_not_grow() -> None:
    changes = make_changes()
    for number in range(MAX_EVENTS):
        changes.add_event("a", event(number))
    for _ in range(3):
        changes.give_back(changes.take())
    assert numbers_of(take_all(changes)) == list(range(MAX_EVENTS))
    assert changes.dropped_events == 0
