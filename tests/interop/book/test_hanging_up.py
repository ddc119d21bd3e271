"""The caller hangs up, with asyncio."""

import pytest

from examples.book.beside.hanging_up import with_asyncio, with_asyncio_and_care
from examples.book.beside.stage import run
from examples.book.hanging_up import ada_loses_patience
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD


def test_a_handler_goes_on_for_nobody() -> None:
    scene = run(with_asyncio, ada_loses_patience)
    assert len(scene.heard(PLEASE_HOLD)) == 1
    assert scene.heard(NOT_AVAILABLE) == []
    assert scene.noted("pays for it") > scene.noted("Ada hangs up") + 15


def test_with_care_it_ends_with_the_call() -> None:
    scene = run(with_asyncio_and_care, ada_loses_patience)
    assert not scene.is_noted("pays for it")
    assert scene.noted("finally:") == pytest.approx(scene.noted("Ada hangs up"), abs=0.1)
    assert scene.noted("the bill") == pytest.approx(scene.noted("Ada hangs up"), abs=0.1)
