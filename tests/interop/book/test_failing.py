"""Things fail together, with asyncio."""

from functools import cache

import pytest

from examples.book.beside.failing import ada_stays_for_a_while, with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.stage import GREETING, NOT_AVAILABLE


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_stays_for_a_while)


def test_the_tasks_end_and_the_log_says_so() -> None:
    scene = play()
    assert scene.noted("the log") == scene.noted("the recognizer fails")
    assert [round(life.end, 1) for life in scene.lives] == [4.0, 4.0]
    ((_, picture),) = scene.pictures
    assert picture == "none\n"


def test_ada_hears_silence_until_she_gives_up() -> None:
    scene = play()
    assert len(scene.heard(GREETING)) == 1
    assert scene.heard(NOT_AVAILABLE) == []
    (call,) = scene.calls
    assert call.span.end == pytest.approx(scene.noted("Ada hangs up"), abs=0.1)
    assert call.span.end - scene.noted("the recognizer fails") > 4
