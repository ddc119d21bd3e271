"""Listen while you talk, with asyncio."""

from functools import cache

import pytest

from examples.book.beside.listening import with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.listening import ada_is_in_a_hurry
from examples.book.stage import GREETING


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_is_in_a_hurry)


def test_both_run_and_the_greeting_never_ends() -> None:
    scene = play()
    assert scene.noted("the agent hears Ada") == pytest.approx(1.0, abs=0.1)
    assert not scene.is_noted("the greeting is over")
    # The call that it asks about is over.
    assert scene.noted("ExceptionGroup") > scene.noted("Ada hangs up")


def test_no_ear_hears_what_is_missing() -> None:
    ((_, seconds),) = play().heard(GREETING)
    missing = len(GREETING) / 48_000 - seconds
    assert 0 < missing < 0.02
