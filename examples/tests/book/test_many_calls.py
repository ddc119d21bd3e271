"""A thousand calls."""

from examples.book.many_calls import CALLERS, everybody_at_once, one_of_many, three_at_once
from examples.book.solutions.many_calls import nobody_waits_for_long
from examples.book.stage import GOODBYE, NOT_AVAILABLE, PLEASE_HOLD, Handler, Line, run


def callers_who_heard(handle_call: Handler, line: Line) -> list[int]:
    """Return after how many seconds the callers heard a line, the first first."""
    scene = run(handle_call, one_of_many, callers=CALLERS)
    return sorted(round(at) for at, seconds in scene.heard(line) if seconds > 1)


def test_those_who_are_too_many_hear_nothing() -> None:
    assert callers_who_heard(everybody_at_once, NOT_AVAILABLE) == [2, 2, 2]


def test_everybody_is_served_and_told_to_wait() -> None:
    assert callers_who_heard(three_at_once, NOT_AVAILABLE) == [2, 2, 2, 4, 4, 4, 6, 6, 6]
    assert callers_who_heard(three_at_once, PLEASE_HOLD) == CALLERS * [0]


def test_solution_nobody_waits_for_long() -> None:
    assert callers_who_heard(nobody_waits_for_long, NOT_AVAILABLE) == [2, 2, 2, 4, 4, 4]
    assert callers_who_heard(nobody_waits_for_long, GOODBYE) == [3, 3, 3]
