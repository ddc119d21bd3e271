"""Numbers that are added up, and sent from one process to another."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.telemetry._catalogue import (
    CALLS,
    CAPACITY,
    LAG_SECONDS,
    METRICS,
    OFFERS_LOST,
    OFFERS_SEEN,
    REACTION_SECONDS,
    Kind,
)
from trio_calls.telemetry._numbers import Numbers
from trio_calls.telemetry._reports import Report

pytestmark = pytest.mark.pure


def make_numbers(seed: int) -> Numbers:
    """Make numbers that add up to the last digit, in whatever order."""
    drawn = random.Random(seed)
    numbers = Numbers()
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            for _ in range(drawn.randrange(4)):
                numbers.observe(metric, drawn.randrange(100_000) / 1024)
        else:
            numbers.count(metric, drawn.randrange(10**6), drawn.choice(metric.values))
    return numbers


any_numbers = st.integers(0, 2**32).map(make_numbers)


@given(any_numbers, any_numbers, any_numbers)
def test_the_order_of_adding_does_not_matter(one: Numbers, two: Numbers, three: Numbers) -> None:
    forward, backward = Numbers(), Numbers()
    for numbers in (one, two, three):
        forward.add(numbers)
    for numbers in (three, two, one):
        backward.add(numbers)
    assert forward.to_json() == backward.to_json()
    assert forward.get(OFFERS_SEEN) == sum(each.get(OFFERS_SEEN) for each in (one, two, three))


@given(any_numbers)
def test_they_arrive_as_they_were_sent(numbers: Numbers) -> None:
    line = Report(numbers, "draining", [{"call_id": "a"}]).to_line()
    assert line.count(b"\n") == 1
    report = Report.from_line(line)
    assert report.numbers.to_json() == numbers.to_json()
    assert (report.not_ready, report.calls) == ("draining", [{"call_id": "a"}])


@given(any_numbers)
def test_who_has_ended_leaves_no_gauge_behind(numbers: Numbers) -> None:
    left = Numbers()
    left.add(numbers, with_gauges=False)
    assert left.get(OFFERS_SEEN) == numbers.get(OFFERS_SEEN)
    assert left.distributions[LAG_SECONDS] == numbers.distributions[LAG_SECONDS]
    gauges = [metric for metric in METRICS if metric.kind is Kind.GAUGE]
    assert {left.get(metric, value) for metric in gauges for value in metric.values} == {0}


def test_a_copy_stays_as_it_is() -> None:
    numbers = Numbers()
    copy = numbers.copy()
    numbers.count(OFFERS_LOST, value="busy")
    numbers.observe(REACTION_SECONDS, 1.0)
    assert copy.to_json() == Numbers().to_json()


def test_a_bound_belongs_to_its_bucket() -> None:
    numbers = Numbers()
    for seconds in (0.0, 0.1, 0.1001, 10.0, 11.0):
        numbers.observe(REACTION_SECONDS, seconds)
    counts = numbers.distributions[REACTION_SECONDS].counts
    assert (counts[0], counts[1], counts[-2], counts[-1]) == (2, 1, 1, 1)
    assert numbers.distributions[REACTION_SECONDS].total == pytest.approx(21.2001)


@pytest.mark.parametrize(
    ("calls", "capacity", "load"), [(3, 12, 0.25), (12, 12, 1), (3, math.inf, 0), (0, 0, 0)]
)
def test_load_is_calls_over_capacity(calls: int, capacity: float, load: float) -> None:
    numbers = Numbers()
    numbers.count(CALLS, calls, "answered")
    numbers.count(CAPACITY, capacity)
    assert numbers.load == load


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"numbers": [], "not_ready": null, "calls": []}',
        json.dumps({"numbers": {"values": {"?": {}}, "distributions": {}}}).encode(),
        json.dumps(
            {
                "numbers": {"values": {OFFERS_SEEN.name: {"": "3"}}, "distributions": {}},
                "not_ready": None,
                "calls": [],
            }
        ).encode(),
    ],
)
def test_what_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"no report|Expecting"):
        Report.from_line(line)
