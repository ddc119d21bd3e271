"""Fleets of 2 to 100 workers of unequal size: each has its share, and no caller waits for long.

A single call is a quarter of the load of a worker that takes four. So a worker is compared with the
mean as it was before its last call: was it above already, then somebody else ought to have had it.
"""

from __future__ import annotations

import itertools
import random

import pytest

from benchmarks.fleet.simulation import Fleet

pytestmark = [pytest.mark.pure, pytest.mark.slow]

SIZES = (4, 8, 20, 40, 100, 200)
FOREVER = 1e9


def make_fleet(workers: int, seed: int, *, is_even: bool = True) -> Fleet:
    chance = random.Random(seed)
    return Fleet([chance.choice(SIZES) for _ in range(workers)], chance, is_even=is_even)


def excess(fleet: Fleet) -> float:
    return max((worker.calls - 1) / worker.capacity - fleet.load for worker in fleet.workers)


def waits(fleet: Fleet) -> list[float]:
    assert all(call.claimed_at is not None for call in fleet.calls)
    return [(call.claimed_at or 0) - call.placed_at for call in fleet.calls]


def burst(fleet: Fleet, before: float, size: float) -> None:
    """Let some call one by one, and then many within 20 ms. Sizes are parts of all capacity."""
    for number in range(20):
        fleet.place(number / 4, 0.5)
    few = int(before * fleet.capacity)
    for number in range(few):
        fleet.place(10 + 10 * number / few, FOREVER)
    many = int(size * fleet.capacity)
    for number in range(many):
        fleet.place(30 + 0.02 * number / many, FOREVER)
    fleet.run(29)
    assert excess(fleet) < 0.15
    fleet.run(40)


@pytest.mark.parametrize(
    ("workers", "before", "size"),
    [
        *itertools.product([2, 3, 5, 10], [0.05, 0.3], [0.02, 0.1, 0.4]),
        (20, 0.2, 0.2),
        (50, 0.03, 0.1),
        (100, 0.01, 0.02),
    ],
)
def test_a_burst_is_shared(workers: int, before: float, size: float) -> None:
    fleet = make_fleet(workers, seed=1)
    burst(fleet, before, size)
    assert excess(fleet) < 0.15
    assert max(waits(fleet)) < 0.2


def test_without_it_whoever_is_near_has_all() -> None:
    fleet = make_fleet(10, 1, is_even=False)
    for number in range(100):
        fleet.place(number / 10, FOREVER)
    fleet.run(20)
    assert excess(fleet) > 0.5


@pytest.mark.parametrize("workers", [2, 5, 10])
def test_calls_that_come_and_go_are_shared(workers: int) -> None:
    """For ten minutes, at half of what all can take; a call lasts for a minute on average."""
    fleet = make_fleet(workers, 3)
    chance = random.Random(4)
    at = 0.0
    while at < 600:
        at += chance.expovariate(0.5 * fleet.capacity / 60 / 4)
        fleet.place(at, chance.expovariate(1 / 60))
    fleet.run(700)
    assert max(waits(fleet)) < 0.2
    # At the moment of a claim: what a worker keeps for longer than others is not its claim's doing.
    assert max(call.excess for call in fleet.calls) < 0.15
    assert all(worker.won for worker in fleet.workers)
