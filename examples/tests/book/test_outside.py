"""Waiting for the outside."""

import pytest

from examples.book.outside import abandons_the_thread, ada_does_not_wait, waits_for_the_thread
from examples.book.solutions.outside import lets_the_thread_ask
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, Handler, Scene, run


def after_hangup(handle_call: Handler) -> tuple[Scene, float]:
    """Play it, and return how long after the hangup the bill was written."""
    scene = run(handle_call, ada_does_not_wait)
    assert len(scene.heard(PLEASE_HOLD)) == 1
    assert scene.heard(NOT_AVAILABLE) == []
    return scene, scene.noted("bill") - scene.noted("Ada hangs up")


def test_a_thread_is_waited_for_after_the_hangup() -> None:
    _, seconds = after_hangup(waits_for_the_thread)
    assert seconds == pytest.approx(6, abs=0.1)


def test_an_abandoned_thread_goes_on_for_nobody() -> None:
    scene, seconds = after_hangup(abandons_the_thread)
    assert seconds == pytest.approx(0, abs=0.1)
    assert scene.noted("the database has answered") == pytest.approx(10, abs=0.1)


def test_solution_a_thread_that_asks_ends_soon() -> None:
    _, seconds = after_hangup(lets_the_thread_ask)
    assert 0 < seconds < 0.7
