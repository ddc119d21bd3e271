"""Interrupt, with asyncio."""

from functools import cache

import pytest

from examples.book.beside.interrupting import with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.interrupting import ada_interrupts
from examples.book.stage import GREETING


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_interrupts)


def test_who_cancels_ends_as_well_and_nobody_says_so() -> None:
    scene = play()
    assert not scene.is_noted("the log")
    assert not scene.is_noted("the agent has fallen silent")
    handler, talk = scene.lives
    # Ada speaks until second 4, and for most of that nobody is there.
    assert handler.end == talk.end == pytest.approx(1.0, abs=0.1)


def test_ada_hears_the_greeting_although_she_speaks() -> None:
    ((_, seconds),) = play().heard(GREETING)
    assert seconds == pytest.approx(len(GREETING) / 48_000, abs=0.02)
