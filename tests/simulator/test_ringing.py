from __future__ import annotations

import math

import pytest

from trio_calls.simulator import Pickup, answers, declines, never_answers
from trio_calls.simulator.phones.ringing import RingOutcome, ring_outcome

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("pickup", "ring_seconds", "seconds", "outcome"),
    [
        (answers(after_seconds=0), 60, 0, RingOutcome.PICKED_UP),
        (answers(after_seconds=2.5), 60, 2.5, RingOutcome.PICKED_UP),
        (answers(after_seconds=60), 60, 60, RingOutcome.PICKED_UP),
        (answers(after_seconds=60.02), 60, 60, RingOutcome.UNANSWERED),
        (declines(after_seconds=3), 60, 3, RingOutcome.DECLINED),
        (declines(after_seconds=3), 2, 2, RingOutcome.UNANSWERED),
        (never_answers(), 120, 120, RingOutcome.UNANSWERED),
    ],
)
def test_how_ringing_ends(
    pickup: Pickup, ring_seconds: float, seconds: float, outcome: RingOutcome
) -> None:
    assert ring_outcome(pickup, ring_seconds) == (seconds, outcome)


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_a_callee_cannot_act_before_the_phone_rings(seconds: float) -> None:
    with pytest.raises(ValueError, match="after_seconds"):
        answers(after_seconds=seconds)
