"""The caller hangs up."""

import pytest

from examples.book.hanging_up import (
    ada_loses_patience,
    goes_on_for_nobody,
    stops_when_she_hangs_up,
)
from examples.book.solutions.hanging_up import tells_how_it_ended
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, run


def test_the_agent_thinks_on_for_nobody() -> None:
    scene = run(goes_on_for_nobody, ada_loses_patience)
    assert scene.noted("pays for it") - scene.noted("Ada hangs up") > 15
    assert scene.heard(NOT_AVAILABLE) == []


def test_everything_ends_at_the_hangup_in_order() -> None:
    scene = run(stops_when_she_hangs_up, ada_loses_patience)
    assert len(scene.heard(PLEASE_HOLD)) == 1
    at_the_end = scene.notes[-3:]
    assert [text.split()[0] for _, text in at_the_end] == ["Cancelled", "finally:", "the"]
    for seconds, _ in at_the_end:
        assert seconds == pytest.approx(scene.noted("Ada hangs up"), abs=0.1)


def test_solution_the_bill_knows_how_it_ended() -> None:
    scene = run(tells_how_it_ended, ada_loses_patience)
    assert scene.notes[-1][1] == "the bill: nothing, as Ada hung up"
