"""Cleaning up, with asyncio."""

from functools import cache

import pytest

from examples.book.beside.cleaning_up import ada_stays_for_a_while, with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.stage import GOODBYE


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_stays_for_a_while)


def test_goodbye_is_said_without_a_shield() -> None:
    ((at, seconds),) = play().heard(GOODBYE)
    assert at == pytest.approx(4.0, abs=0.1)
    assert seconds == pytest.approx(len(GOODBYE) / 48_000, abs=0.02)


def test_and_the_line_stays_open_until_ada_hangs_up() -> None:
    scene = play()
    assert not scene.is_noted("goodbye is said")
    assert not scene.is_noted("the line is dead")
    (call,) = scene.calls
    assert call.span.end == pytest.approx(scene.noted("Ada hangs up"), abs=0.1)
    assert scene.noted("WSSCallClosedError") > call.span.end
