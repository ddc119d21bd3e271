"""Talking between tasks, with asyncio."""

import math
from functools import cache

import pytest

from examples.book.beside.channels import with_asyncio
from examples.book.beside.stage import BesideScene, run
from examples.book.channels import ada_asks
from examples.book.stage import NOT_AVAILABLE


@cache
def play() -> BesideScene:
    return run(with_asyncio, ada_asks)


def test_a_queue_with_a_bound_is_as_quick() -> None:
    ((at, _),) = play().heard(NOT_AVAILABLE)
    assert at == pytest.approx(4.1, abs=0.2)


def test_who_waits_for_the_next_piece_waits_for_ever() -> None:
    scene = play()
    (call,) = scene.calls
    ends = {life.name: life.end for life in scene.lives}
    assert ends["hear"] == pytest.approx(call.span.end, abs=0.1)
    assert ends["recognize"] == ends["the handler"] == math.inf
    _, (at, picture) = scene.pictures
    assert at > call.span.end + 30
    assert "recognize: piece = await pieces.get()" in picture
