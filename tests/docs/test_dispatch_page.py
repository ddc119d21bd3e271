"""The page "Dispatch calls to many workers": its drawing, and the times that it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trio_calls.fleet._dispatch_marks import (
    BEAT_SECONDS,
    DOUBT_SECONDS,
    LOOK_SECONDS,
    LOST_SECONDS,
    Stage,
)
from trio_calls.fleet._dispatcher import PUT_SECONDS
from trio_calls.fleet._from_redis import ASK_SECONDS

pytestmark = pytest.mark.pure

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "dispatch.rst").read_text("utf-8")
WORDS = " ".join(PAGE.split())


def test_the_drawing_has_every_state() -> None:
    drawing = PAGE.partition(".. code-block:: text\n")[2].partition("\nA worker that takes")[0]
    assert set(re.findall(r"[A-Z]{4,}", drawing)) == {stage.name for stage in Stage}


def test_the_times_are_those_of_the_code() -> None:
    assert f"says every {BEAT_SECONDS:g} s that it has it" in WORDS
    assert f"After {DOUBT_SECONDS:g} s another tries" in WORDS
    assert f"After {PUT_SECONDS:g} s it is declined" in WORDS
    assert f"After {ASK_SECONDS:g} s the worker leaves it alone" in WORDS
    # So that another has it within 2 s, with time for the machine.
    assert LOST_SECONDS + LOOK_SECONDS <= 1.6
    assert LOST_SECONDS > 2 * BEAT_SECONDS
