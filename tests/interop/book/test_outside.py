"""Waiting for the outside, with asyncio."""

import pytest

from examples.book.beside.outside import with_asyncio
from examples.book.beside.stage import run
from examples.book.outside import ada_does_not_wait
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD


def test_the_thread_goes_on_and_nobody_waits() -> None:
    scene = run(with_asyncio, ada_does_not_wait)
    assert len(scene.heard(PLEASE_HOLD)) == 1
    assert scene.heard(NOT_AVAILABLE) == []
    assert scene.noted("the bill") == pytest.approx(scene.noted("Ada hangs up"), abs=0.1)
    assert scene.noted("the database has answered") == pytest.approx(10, abs=0.1)
    ((_, picture),) = scene.pictures
    assert picture == "none\n"
