"""Offers that wait: in the order in which they came, and as they are claimed. Pure.

The two orders are the same but where workers share: see `shares`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

import attrs

from trio_calls.client.shares import place_of
from trio_calls.wire.control_wire import Offered


@attrs.define(eq=False)
class WaitingOffer:
    """What waits to be claimed.

    Attributes:
      session_id: the exchange's name for the session.
      offer: what is to be decided about; None: the session is this process's already, for lack of
        another, and nobody is asked.
      offered_at: when it was offered, in Trio's time.
      chance: where it stands in the order in which this worker claims, from 0 to 1.
      until: how long it may be put off; None until it is.
    """

    session_id: str
    offer: Offered | None
    offered_at: float
    chance: float = 0.0
    until: float | None = None


class WaitingOffers:
    """Offers by the names of their sessions.

    Args:
      has_own_order: whether they are claimed in another order than that in which they came.
    """

    def __init__(self, *, has_own_order: bool) -> None:
        self._offers: dict[str, WaitingOffer] = {}
        self._own_order: list[WaitingOffer] | None = [] if has_own_order else None

    def __len__(self) -> int:
        return len(self._offers)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._offers

    def __iter__(self) -> Iterator[WaitingOffer]:
        """Iterate over them, the oldest first."""
        return iter(self._offers.values())

    @property
    def own_order(self) -> Iterable[WaitingOffer]:
        """All of them, as this worker claims them."""
        return self._offers.values() if self._own_order is None else self._own_order

    def add(self, offer: WaitingOffer) -> None:
        """Let an offer wait behind the others; in the place of one of the same name."""
        self.remove(offer.session_id)
        self._offers[offer.session_id] = offer
        if self._own_order is not None:
            insort(self._own_order, offer, key=place_of)

    def renew(self, session_id: str, at: float) -> None:
        """Let an offer wait as if it had come at that time, if it waits."""
        offer = self.remove(session_id)
        if offer is not None:
            offer.offered_at = at
            self.add(offer)

    def add_first(self, offers: Iterable[WaitingOffer]) -> None:
        """Let offers wait before the others."""
        rest = tuple(self)
        self._offers.clear()
        if self._own_order is not None:
            self._own_order.clear()
        for offer in (*offers, *rest):
            self.add(offer)

    def remove(self, session_id: str) -> WaitingOffer | None:
        """Take out an offer, and return it; None if it does not wait."""
        offer = self._offers.pop(session_id, None)
        if offer is not None and self._own_order is not None:
            index = bisect_left(self._own_order, place_of(offer), key=place_of)
            while self._own_order[index] is not offer:
                index += 1
            del self._own_order[index]
        return offer
