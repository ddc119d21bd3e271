"""In good time, with asyncio."""

from functools import cache

import pytest

from examples.book.beside.in_time import with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.in_time import ada_listens
from examples.book.stage import GUIDANCE, NOT_AVAILABLE


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_listens)


def test_the_limits_hold() -> None:
    scene = play()
    assert scene.noted("that takes too long") == pytest.approx(1.0, abs=0.1)
    (handler,) = scene.lives
    assert handler.end == pytest.approx(1.5, abs=0.1)


def test_the_line_goes_dead_before_anything_is_heard() -> None:
    scene = play()
    assert scene.noted("the line is dead") == pytest.approx(1.5, abs=0.1)
    assert scene.heard(GUIDANCE) == scene.heard(NOT_AVAILABLE) == []
    assert not any(scene.call.caller.heard)
