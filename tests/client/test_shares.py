"""How long a worker waits before it claims: less the less it has to do. Exhaustive."""

from __future__ import annotations

import itertools

import pytest

from trio_calls.client.shares import (
    BELIEF_SECONDS,
    JITTER,
    MAX_WAIT_SECONDS,
    OVERTAKING_SECONDS,
    Shares,
    due_at,
    next_due,
    place_of,
)
from trio_calls.client.waiting_offers import WaitingOffer, WaitingOffers

pytestmark = pytest.mark.pure

CAPACITIES = (1, 2, 3, 4, 7, 10, 100, 1000)


def beside_others(capacity: int, now: float = 0.0) -> Shares:
    shares = Shares(capacity)
    shares.taken(now)
    return shares


def offer(at: float, chance: float = 0.5, name: str = "") -> WaitingOffer:
    return WaitingOffer(name or f"{at} {chance}", None, at, chance)


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_beside_others_the_wait_grows_with_the_load(capacity: int) -> None:
    shares = beside_others(capacity)
    waits = [shares.wait_seconds(calls, 0, 1) for calls in range(capacity + 1)]
    assert waits == pytest.approx(
        [MAX_WAIT_SECONDS * calls / capacity for calls in range(capacity + 1)]
    )


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_claim_counts_as_what_claims_have_been_worth(capacity: int) -> None:
    shares = beside_others(capacity)
    for _ in range(100):
        shares.granted(1)
    assert shares.wait_seconds(0, 1, 1) == pytest.approx(MAX_WAIT_SECONDS / capacity, rel=1e-3)
    for _ in range(100):
        shares.taken(1)
    assert shares.wait_seconds(0, 1, 1) == pytest.approx(0.3 * MAX_WAIT_SECONDS / capacity)


def test_what_strains_a_worker_counts_as_load() -> None:
    shares = beside_others(10)
    assert shares.wait_seconds(2, 0, 1, strain=1 / 3) == pytest.approx(0.15 * (0.2 + 1 / 3))
    assert shares.wait_seconds(8, 0, 1, strain=1.0) == MAX_WAIT_SECONDS
    assert Shares(10).wait_seconds(2, 0, 1, strain=1.0) == 0


@pytest.mark.parametrize("load", [0, 0.001, 0.5, 0.99, 1])
@pytest.mark.parametrize("chance", [0, 0.3, 0.5, 1])
def test_no_offer_waits_longer_than_the_longest(load: float, chance: float) -> None:
    wait = due_at(offer(7, chance), MAX_WAIT_SECONDS * load) - 7
    assert 0 <= wait <= MAX_WAIT_SECONDS + 1e-9
    assert wait == pytest.approx(MAX_WAIT_SECONDS * load, rel=1.001 * JITTER)


def test_who_knows_of_nobody_does_not_wait() -> None:
    for capacity, calls in itertools.product(CAPACITIES, (0, 1, 5)):
        shares = Shares(capacity)
        for claims in range(max(3, capacity // 10)):
            assert shares.wait_seconds(calls, claims, 1) == 0


def test_a_burst_before_anything_is_known_is_not_claimed() -> None:
    shares = Shares(1000)
    at_once = [claims for claims in range(1000) if not shares.wait_seconds(0, claims, 1)]
    assert at_once == list(range(100))
    for _ in range(101):
        shares.granted(1)
    at_once = [claims for claims in range(1000) if not shares.wait_seconds(0, claims, 1)]
    assert at_once == list(range(100 + 101))


def test_nobody_is_believed_in_for_ever() -> None:
    shares = beside_others(10, now=1000)
    assert shares.wait_seconds(5, 0, 1000 + BELIEF_SECONDS - 1) > 0
    assert shares.wait_seconds(5, 0, 1000 + BELIEF_SECONDS) == 0


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_worker_alone_looks_for_others_now_and_then(capacity: int) -> None:
    shares = Shares(capacity)
    waited = []
    for number in range(200):
        if shares.wait_seconds(1, 0, number):
            waited.append(number)
        shares.granted(number)
    assert waited == [max(3, capacity // 10)]


def test_it_looks_again_after_five_minutes() -> None:
    shares = Shares(10)
    for _ in range(3):
        shares.granted(0)
    shares.granted(10)  # this one has waited
    assert shares.wait_seconds(5, 0, 10 + BELIEF_SECONDS - 1) == 0
    assert shares.wait_seconds(5, 0, 10 + BELIEF_SECONDS) == pytest.approx(0.075)


def test_each_worker_has_an_order_of_its_own() -> None:
    numbers = iter([0.9, 0.1, 0.5])
    shares = Shares(10, lambda: next(numbers))
    offers = [offer(0, shares.chance(), name) for name in "abc"]
    assert [waiting.session_id for waiting in sorted(offers, key=place_of)] == ["b", "c", "a"]


@pytest.mark.parametrize("chances", list(itertools.product([0, 0.5, 1], repeat=2)))
def test_nobody_overtakes_by_much(chances: tuple[float, float]) -> None:
    first, second = offer(0, chances[0]), offer(OVERTAKING_SECONDS + 0.001, chances[1])
    assert place_of(first) < place_of(second)


def test_the_first_in_order_that_is_due_is_next() -> None:
    young, old, older = offer(0.9, name="young"), offer(0.5, name="old"), offer(0.4, name="older")
    assert next_due(older, [young, old, older], 0.15, 1.0) == (old, 1.0)
    assert next_due(older, [young, old, older], 0.0, 1.0) == (young, 1.0)


def test_if_none_is_due_it_is_known_when_to_ask_again() -> None:
    late, early = offer(0.8, chance=1.0), offer(0.8, chance=0.5)
    none, ask_again = next_due(early, [late, early], 0.1, 0.85)
    assert none is None
    assert ask_again == pytest.approx(0.895)
    none, ask_again = next_due(early, [late, early], 0.1, ask_again)
    assert none is None
    assert ask_again == pytest.approx(0.9)
    assert next_due(early, [late, early], 0.1, ask_again) == (early, ask_again)


def names(offers: WaitingOffers) -> tuple[list[str], list[str]]:
    return (
        [waiting.session_id for waiting in offers],
        [waiting.session_id for waiting in offers.own_order],
    )


def test_what_waits_is_in_two_orders() -> None:
    offers = WaitingOffers(has_own_order=True)
    for name, chance in (("a", 0.9), ("b", 0.1), ("c", 0.5), ("d", 0.5)):
        offers.add(offer(0, chance, name))
    assert names(offers) == (["a", "b", "c", "d"], ["b", "c", "d", "a"])
    removed = offers.remove("d")
    assert removed is not None
    assert removed.session_id == "d"
    assert offers.remove("d") is None
    assert names(offers) == (["a", "b", "c"], ["b", "c", "a"])
    offers.add_first([offer(0, 1.0, "first")])
    assert names(offers) == (["first", "a", "b", "c"], ["b", "c", "a", "first"])
    offers.add(offer(0, 0.0, "a"))
    assert names(offers) == (["first", "b", "c", "a"], ["a", "b", "c", "first"])
    assert len(offers) == 4
    assert "a" in offers
    assert "d" not in offers


def test_where_nobody_shares_the_orders_are_the_same() -> None:
    offers = WaitingOffers(has_own_order=False)
    for name, chance in (("a", 0.9), ("b", 0.1)):
        offers.add(offer(0, chance, name))
    assert names(offers) == (["a", "b"], ["a", "b"])
