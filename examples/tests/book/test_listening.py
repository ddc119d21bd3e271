"""Listen while you talk."""

import pytest

from examples.book.listening import (
    ada_is_in_a_hurry,
    first_talk_then_listen,
    listen_while_talking,
)
from examples.book.solutions.listening import ada_is_silent, asks_again
from examples.book.stage import GREETING, run


def test_ada_is_noticed_late_when_talking_comes_first() -> None:
    scene = run(first_talk_then_listen, ada_is_in_a_hurry)
    assert scene.noted("Ada says") == pytest.approx(1.0, abs=0.1)
    assert scene.noted("agent hears Ada") >= scene.noted("greeting is over") > 2.8


def test_ada_is_heard_while_the_agent_talks() -> None:
    scene = run(listen_while_talking, ada_is_in_a_hurry)
    assert scene.noted("agent hears Ada") == pytest.approx(scene.noted("Ada says"), abs=0.15)
    ((_, seconds),) = scene.heard(GREETING)
    assert seconds == pytest.approx(len(GREETING) / 48_000)


def test_solution_ada_is_asked_again() -> None:
    scene = run(asks_again, ada_is_silent)
    assert [round(seconds) for seconds, _ in scene.heard(GREETING)] == [0, 6]
