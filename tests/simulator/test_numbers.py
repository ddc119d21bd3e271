"""Strange numbers for a simulator are refused when they are given, not when they are used."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from trio_calls import WSSConfigError
from trio_calls.simulator import (
    after,
    answer_late,
    answers,
    at_frame,
    at_random,
    declines,
    jitter,
    open_simulator,
    restart,
    stall,
)

STRANGE = [math.nan, "10", b"10", True, None, 1j, [], object()]


@pytest.mark.parametrize("value", [*STRANGE, -1, 1.5, math.inf])
@pytest.mark.parametrize(
    "setting", ["port", "seed", "max_connections", "keep_finished_calls", "sample_rate"]
)
async def test_a_setting_that_is_no_whole_number(setting: str, value: Any) -> None:
    if (setting, value) in [("seed", -1), ("port", None), ("keep_finished_calls", None)]:
        return
    with pytest.raises(WSSConfigError, match=setting):
        async with open_simulator(**{setting: value}):
            pytest.fail("it was opened")


@pytest.mark.parametrize("value", [*STRANGE, -1, 0, math.inf, 1e300])
async def test_audio_cannot_be_kept_for_a_strange_time(value: Any) -> None:
    if value is None:
        return
    with pytest.raises(WSSConfigError, match="keep_audio_seconds"):
        async with open_simulator(keep_audio_seconds=value):
            pytest.fail("it was opened")


@pytest.mark.pure
@pytest.mark.parametrize("value", [*STRANGE, -1, -math.inf])
@pytest.mark.parametrize(
    "make",
    [
        lambda value: restart(seconds=value),
        lambda value: answer_late("call.answer", seconds=value),
        lambda value: stall(seconds=value),
        lambda value: jitter(seconds=value),
        lambda value: after(seconds=value),
        lambda value: at_random(within_seconds=value),
        at_frame,
        lambda value: answers(after_seconds=value),
        lambda value: declines(after_seconds=value),
    ],
)
def test_faults_moments_and_people_take_numbers(make: Callable[[Any], object], value: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        make(value)


@pytest.mark.pure
def test_a_fault_does_not_last_for_ever() -> None:
    with pytest.raises(ValueError, match="must be"):
        jitter(seconds=math.inf)
