"""A fleet of workers at one exchange, simulated without Trio: who gets which call, and when.

Each worker decides with the code of the SDK, `trio_calls.client.shares`. All else is a model::

    exchange ── offer, some ms ──► every worker ── due? ──► claim, some ms ──► the first has it
        ▲                                                                           │
        └── the next call                              answer, some ms ◄────────────┘

Nobody is told that somebody else has a call, but by the refusal of a claim.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Final

import attrs

from trio_calls.client.offer_queue import FEW_OFFERS, MAX_LOOKED_AT
from trio_calls.client.shares import Shares, next_due
from trio_calls.client.waiting_offers import WaitingOffer, WaitingOffers

#: The mean of the time that a message takes from one end to the other, in seconds, by worker.
LATENCY_SECONDS: Final = (0.001, 0.006)

#: By how much a single message is faster or slower than that.
LATENCY_JITTER: Final = 0.5


@attrs.define(eq=False)
class Call:
    """A caller.

    Attributes:
      placed_at: when the call was placed, in seconds.
      seconds: how long it lasts.
      claimed_at: when the exchange gave it to a worker; None before.
      excess: by how much the load of that worker was above the mean of all just before.
    """

    placed_at: float
    seconds: float
    claimed_at: float | None = None
    excess: float = 0.0


class Worker:
    """One process.

    Args:
      capacity: how many calls it takes.
      latency: the mean time of a message to the exchange, or from it, in seconds.
      shares: says how long offers wait; None: they do not.

    Attributes:
      capacity: how many calls it takes.
      calls: how many it has.
      won: how many it has had.
      claims: how many claims it has made.
    """

    def __init__(self, capacity: int, latency: float, shares: Shares | None) -> None:
        self.capacity: int = capacity
        self.calls: int = 0
        self.won: int = 0
        self.claims: int = 0
        self.latency: float = latency
        self.shares: Shares | None = shares
        self.waiting = WaitingOffers(has_own_order=shares is not None)
        self.on_their_way: int = 0
        self.wakes_at: float | None = None

    @property
    def load(self) -> float:
        """Calls over capacity."""
        return self.calls / self.capacity


class Fleet:
    """Workers at one exchange.

    Args:
      capacities: how many calls each takes.
      chance: decides about latencies and jitter.
      is_even: whether each is to have its share.

    Attributes:
      workers: in the order of `capacities`.
      calls: what was placed.
      now: the time, in seconds.
      watch: called whenever the exchange has given a call away.
    """

    def __init__(
        self, capacities: Sequence[int], chance: random.Random, *, is_even: bool = True
    ) -> None:
        self.workers: list[Worker] = [
            Worker(
                capacity,
                chance.uniform(*LATENCY_SECONDS),
                Shares(capacity, chance.random) if is_even else None,
            )
            for capacity in capacities
        ]
        self.calls: list[Call] = []
        self.now: float = 0.0
        self.watch: Callable[[], None] = lambda: None
        self._chance = chance
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    @property
    def capacity(self) -> int:
        """How many calls all take together."""
        return sum(worker.capacity for worker in self.workers)

    @property
    def load(self) -> float:
        """The mean: all calls over all capacity."""
        return sum(worker.calls for worker in self.workers) / self.capacity

    def place(self, at: float, seconds: float) -> None:
        """Let somebody call at a time, and talk for so long once somebody has the call."""
        number = len(self.calls)
        self.calls.append(Call(at, seconds))

        def offer() -> None:
            for worker in self.workers:
                self._send(worker, partial(self._receive_offer, worker, number))

        self._at(at, offer)

    def run(self, until: float) -> None:
        """Let everything happen that happens up to a time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        self.now = until

    def _at(self, time: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._number), happen))

    def _send(self, worker: Worker, arrive: Callable[[], None]) -> None:
        delay = worker.latency * self._chance.uniform(1 - LATENCY_JITTER, 1 + LATENCY_JITTER)
        self._at(self.now + delay, arrive)

    def _receive_offer(self, worker: Worker, number: int) -> None:
        chance = 0.0 if worker.shares is None else worker.shares.chance()
        worker.waiting.add(WaitingOffer(str(number), None, self.now, chance))
        self._take_up(worker)

    def _take_up(self, worker: Worker) -> None:
        """Claim what is due. What `IncomingCalls`, `Offers` and `OfferQueue` do, in short."""
        while worker.waiting and worker.calls + worker.on_their_way < worker.capacity:
            offer = self._next(worker)
            if offer is None:
                return
            worker.waiting.remove(offer.session_id)
            worker.on_their_way += 1
            worker.claims += 1
            self._send(worker, partial(self._decide, worker, self.calls[int(offer.session_id)]))

    def _next(self, worker: Worker) -> WaitingOffer | None:
        wait = 0.0
        if worker.shares is not None:
            wait = worker.shares.wait_seconds(worker.calls, worker.on_their_way, self.now)
        oldest = next(iter(worker.waiting))
        if not wait:
            return oldest
        few = len(worker.waiting) <= FEW_OFFERS
        ordered = worker.waiting if few else worker.waiting.own_order
        offers = islice(ordered, MAX_LOOKED_AT)
        offer, due = next_due(oldest, offers, wait, self.now)
        if offer is None and (worker.wakes_at is None or due < worker.wakes_at):
            worker.wakes_at = due
            self._at(due, partial(self._wake, worker))
        return offer

    def _wake(self, worker: Worker) -> None:
        if worker.wakes_at is not None and self.now >= worker.wakes_at:
            worker.wakes_at = None
            self._take_up(worker)

    def _decide(self, worker: Worker, call: Call) -> None:
        """Give a call to whoever claims it first. Happens at the exchange."""
        is_granted = call.claimed_at is None
        if is_granted:
            call.claimed_at = self.now
            call.excess = worker.load - self.load
            worker.calls += 1
            worker.won += 1
            # It is a call now; `on_their_way` counts it no more.
            worker.on_their_way -= 1
            self.watch()
            self._at(self.now + call.seconds, partial(self._end, worker))
        self._send(worker, partial(self._receive_answer, worker, is_granted))

    def _receive_answer(self, worker: Worker, is_granted: bool) -> None:
        if not is_granted:
            worker.on_their_way -= 1
        if worker.shares is not None and is_granted:
            worker.shares.granted(self.now)
        elif worker.shares is not None:
            worker.shares.taken(self.now)
        self._take_up(worker)

    def _end(self, worker: Worker) -> None:
        worker.calls -= 1
        self._take_up(worker)
