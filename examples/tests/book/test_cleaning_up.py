"""Cleaning up."""

import pytest

from examples.book.cleaning_up import (
    ada_stays,
    says_goodbye_behind_a_shield,
    says_goodbye_too_late,
)
from examples.book.solutions.cleaning_up import ends_all_the_same
from examples.book.stage import GOODBYE, run


def test_a_goodbye_that_is_cancelled_is_not_heard() -> None:
    scene = run(says_goodbye_too_late, ada_stays)
    assert scene.heard(GOODBYE) == []


def test_a_goodbye_behind_a_shield_is_heard() -> None:
    scene = run(says_goodbye_behind_a_shield, ada_stays)
    ((began, seconds),) = scene.heard(GOODBYE)
    assert began == pytest.approx(4, abs=0.2)
    assert seconds > len(GOODBYE) / 48_000 - 0.1


def test_solution_a_goodbye_that_hangs_is_given_up() -> None:
    scene = run(ends_all_the_same, ada_stays)
    assert scene.noted("given up: True") == pytest.approx(7, abs=0.2)
    assert scene.noted("the line is dead") == pytest.approx(7, abs=0.3)
