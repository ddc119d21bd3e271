"""When a worker claims what the exchange offers to several, so that all have the same load. Pure.

The exchange offers every call to every worker, and the first claim wins. So whoever has more to do
waits longer before it claims::

    due = offered at + 150 ms * load * jitter     load = (calls + claims on their way) / capacity

An idle worker does not wait at all, and nobody waits for more than 150 ms. A single call goes to
the worker with the least load. In a burst each claim adds to the load of whoever makes it, and so
to the age that the next offer must have there: all workers rise together, as water does in vessels
of any width.

Of what is due, each worker claims in an order of its own, in which no offer is overtaken by one
that came more than 100 ms after it. Otherwise all would claim the same one at the same moment.
Towards the end of a burst most claims come too late all the same, as nobody tells who has taken
what. So a claim on its way counts as what claims have been worth lately: three tenths of a call, at
the least.

Nobody tells a worker of the others either. It learns of them when a claim is refused as somebody
else was faster, and believes in them for five minutes from then on. Otherwise it takes itself to be
alone, and does not wait, with two precautions:

- When it has claimed a tenth of its capacity, and three calls at the least, offers wait as if there
  were others until one that has waited is granted; then again after five minutes. A worker that is
  nearer to the exchange than all others would never be told of them.
- In between, no more claims are on their way without a wait than that, and one for each that was
  granted. So what comes to several in one breath is shared.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

#: How long an offer waits at a worker that is nearly full, and at the most.
MAX_WAIT_SECONDS: Final = 0.15

#: By how much the wait of a single offer is longer or shorter.
JITTER: Final = 0.05

#: By how much an offer may have come later than another that it overtakes.
OVERTAKING_SECONDS: Final = 0.1

#: What a claim on its way counts as, at the least, in calls.
LEAST_WORTH: Final = 0.3

#: How much a single answer changes what claims are thought to be worth.
WORTH_PER_ANSWER: Final = 0.1

#: For how long a worker believes in others after one of them was faster.
BELIEF_SECONDS: Final = 300.0

#: By how much the load of a worker may rise before it has looked for others, and by how many calls
#: at the least.
UNSEEN_LOAD: Final = 0.1
UNSEEN_CALLS: Final = 3


class Waiting(Protocol):
    """What waits to be claimed.

    Attributes:
      offered_at: when it was offered, in seconds.
      chance: of this offer at this worker, from 0 to 1: from `Shares.chance`.
    """

    offered_at: float
    chance: float


WaitingT = TypeVar("WaitingT", bound=Waiting)


class Shares:
    """How long one worker lets offers wait.

    Args:
      capacity: how many calls it takes at a time.
      chance: makes a random number from 0 to 1, of each offer.

    Attributes:
      chance: the same.
    """

    def __init__(self, capacity: int, chance: Callable[[], float] = random.random) -> None:
        self.chance: Callable[[], float] = chance
        self._capacity = capacity
        self._unseen_calls = max(UNSEEN_CALLS, int(UNSEEN_LOAD * capacity))
        self._worth = 1.0
        self._believes_until = -math.inf
        # Since it has last heard of another worker.
        self._granted = 0
        self._next_look = -math.inf

    def granted(self, now: float) -> None:
        """Note that a claim was granted.

        Args:
          now: the time, in seconds.
        """
        self._worth += WORTH_PER_ANSWER * (1 - self._worth)
        if self._believes(now):
            return
        if self._granted >= self._unseen_calls and now >= self._next_look:
            self._next_look = now + BELIEF_SECONDS
        self._granted += 1

    def taken(self, now: float) -> None:
        """Note that a claim was refused, as another worker was faster.

        Args:
          now: the time, in seconds.
        """
        self._worth -= WORTH_PER_ANSWER * self._worth
        self._believes_until = now + BELIEF_SECONDS
        self._granted = 0
        self._next_look = -math.inf

    def wait_seconds(self, calls: int, claims: int, now: float, strain: float = 0.0) -> float:
        """Return how long offers are to wait here, before their jitter.

        Args:
          calls: how many calls the worker has.
          claims: how many it has claimed beside these, without an answer so far.
          now: the time, in seconds.
          strain: what counts as load beside them, from 0 to 1.
        """
        if not (self._believes(now) or self._is_careful(claims, now)):
            return 0.0
        load = (calls + claims * max(self._worth, LEAST_WORTH)) / self._capacity + strain
        return MAX_WAIT_SECONDS * min(load, 1.0)

    def _believes(self, now: float) -> bool:
        return now < self._believes_until

    def _is_careful(self, claims: int, now: float) -> bool:
        if now < self._next_look:
            return claims >= self._unseen_calls + self._granted
        return claims + self._granted >= self._unseen_calls


def place_of(offer: Waiting) -> float:
    """Return what offers are sorted by in the worker's own order."""
    return offer.offered_at + OVERTAKING_SECONDS * offer.chance


def due_at(offer: Waiting, wait_seconds: float) -> float:
    """Return when an offer may be claimed, in seconds.

    Args:
      offer: the offer.
      wait_seconds: from `Shares.wait_seconds`.
    """
    jitter = 1 + JITTER * (2 * offer.chance - 1)
    return offer.offered_at + min(wait_seconds * jitter, MAX_WAIT_SECONDS)


def next_due(
    oldest: Waiting, offers: Iterable[WaitingT], wait_seconds: float, now: float
) -> tuple[WaitingT | None, float]:
    """Return the first offer that is due; or None, and when to ask again.

    Args:
      oldest: no offer is older.
      offers: in the order of the worker.
      wait_seconds: from `Shares.wait_seconds`.
      now: the time, in seconds.
    """
    earliest = oldest.offered_at + min(wait_seconds * (1 - JITTER), MAX_WAIT_SECONDS)
    if earliest > now:
        # Many come in a burst, and each of them asks.
        return None, earliest
    earliest = math.inf
    for offer in offers:
        due = due_at(offer, wait_seconds)
        if due <= now:
            return offer, now
        earliest = min(earliest, due)
    return None, earliest
