"""When a worker stops to claim because its handlers fail, and when it goes on. Exhaustive."""

import itertools
import math

import pytest

from trio_calls.client.failing_handlers import FailingHandlers

pytestmark = pytest.mark.pure


def fail(handlers: FailingHandlers, times: int, now: float = 0) -> list[float | None]:
    return [handlers.failed(now) for _ in range(times)]


def test_two_failures_change_nothing() -> None:
    handlers = FailingHandlers()
    assert fail(handlers, 2) == [None, None]
    assert handlers.room(0) == math.inf


def test_the_third_begins_a_pause_that_others_do_not_prolong() -> None:
    handlers = FailingHandlers()
    assert fail(handlers, 10) == [None, None, 1, *[None] * 7]
    assert [handlers.room(now) for now in (0, 0.99, 1, 100)] == [0, 0, 1, 1]
    assert handlers.failures == 10


def test_each_pause_is_twice_as_long_up_to_a_minute() -> None:
    handlers = FailingHandlers()
    fail(handlers, 2)
    now, pauses = 5.0, []
    for _ in range(9):
        pause = handlers.failed(now)
        assert pause is not None
        assert handlers.room(now + pause - 0.01) == 0
        now += pause
        assert handlers.room(now) == 1
        pauses.append(pause)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize("failures", range(7))
@pytest.mark.parametrize("now", [0, 0.5, 100])
def test_one_call_that_went_well_forgets_it_all(failures: int, now: float) -> None:
    handlers = FailingHandlers()
    for number in range(failures):
        handlers.failed(10 * number)
    handlers.went_well()
    assert handlers.room(now) == math.inf
    assert fail(handlers, 3, now) == [None, None, 1]


def test_three_in_a_row_count_whatever_came_before() -> None:
    for outcomes in itertools.product([True, False], repeat=8):
        handlers = FailingHandlers()
        for went_well in outcomes:
            if went_well:
                handlers.went_well()
            else:
                handlers.failed(0)
        in_a_row = len(list(itertools.takewhile(lambda well: not well, reversed(outcomes))))
        assert handlers.failures == in_a_row
        assert handlers.room(0) == (math.inf if in_a_row < 3 else 0)
