"""Talking between tasks."""

from examples.book.channels import ada_asks, everything_waits, little_waits
from examples.book.solutions.channels import takes_all_that_waits
from examples.book.stage import NOT_AVAILABLE, Handler, run


def reaction(handle_call: Handler) -> float:
    """Return how long Ada waits for an answer when she has finished."""
    scene = run(handle_call, ada_asks)
    ((began, _),) = scene.heard(NOT_AVAILABLE)
    return began - scene.pictures[0][0]


def test_a_long_queue_makes_ada_wait() -> None:
    assert reaction(everything_waits) > 2


def test_a_short_queue_loses_something_and_is_quick() -> None:
    assert reaction(little_waits) < 1


def test_solution_all_at_once_is_quick_and_loses_nothing() -> None:
    assert reaction(takes_all_that_waits) < 0.6
