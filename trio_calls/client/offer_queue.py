"""Offers that wait to be claimed, and what the application says of each when its turn has come.

::

    add() ──► waiting ── take() ── CLAIM ──► whoever has called it
                 ▲         │
                 │         ├────── LEAVE     for other workers
                 │         └────── LATER ──► put off ── for too long ──► for other workers
                 └──────── ask_again() ──────────┘

Where every worker is to have its share, an offer waits for a moment first: see `shares`. Where an
offer can be claimed only for so long, it is lost when that is over, put off or not.

It knows nothing of calls: the offers of a channel are in a queue of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from itertools import chain, islice, takewhile
from typing import Final, assert_never

import trio

from trio_calls._logging import get_logger
from trio_calls.client.observers import ClientObservers, Loss
from trio_calls.client.shares import next_due
from trio_calls.client.waiting_offers import WaitingOffer, WaitingOffers
from trio_calls.concurrency.alarm import Alarm
from trio_calls.offer import OfferDecision
from trio_calls.wire.control_wire import Offered

logger = get_logger("trio_calls.offers")

#: Offers that wait to be taken up, at the most; the oldest are left to other workers.
MAX_WAITING_OFFERS: Final = 10_000

#: How long an offer may be put off, in seconds. Nobody tells us that it is on offer no more, and no
#: caller lets it ring for longer.
MAX_PUT_OFF_SECONDS: Final = 120.0

#: How often the application is asked again about what it has put off, in seconds.
ASK_AGAIN_SECONDS: Final = 1.0

#: So many offers are looked at for one that has waited long enough.
MAX_LOOKED_AT: Final = 64

#: If no more than these wait, the oldest is claimed first, as it is by all other workers.
FEW_OFFERS: Final = 4


class OfferQueue:
    """Keeps offers in the order in which they came, each until it is claimed, or left.

    Args:
      judge: says what becomes of an offer; must neither wait nor raise. None: all are claimed.
      observers: are told of offers that come, and of those that are lost here.
      chance: makes a number from 0 to 1 of each offer, on which it depends when this worker claims
        it: see `shares`. None: the oldest is claimed first.
      claim_seconds: for how long an offer can be claimed, for all that is known. One that has
        waited for longer is lost here.
    """

    def __init__(
        self,
        judge: Callable[[Offered], OfferDecision] | None = None,
        observers: ClientObservers | None = None,
        chance: Callable[[], float] | None = None,
        claim_seconds: float = math.inf,
    ) -> None:
        self._judge = judge
        self._chance = chance or (lambda: 0.0)
        self._claim_seconds = claim_seconds
        self._observers = observers or ClientObservers()
        self._waiting = WaitingOffers(has_own_order=chance is not None)
        self._put_off: dict[str, WaitingOffer] = {}
        self._has_overflown = False
        self._is_asking_again = False
        self._due = Alarm(self._take_up_due)
        self._lapse = Alarm(self._look_for_lapsed)
        # What `start` has chosen.
        self._nursery: trio.Nursery | None = None
        self._take_up: Callable[[], None]

    def start(self, nursery: trio.Nursery, take_up: Callable[[], None]) -> None:
        """Ask again every second, while something is put off, and when something is due.

        What waits for longer than it can be claimed is lost from then on.

        Args:
          nursery: runs the tasks that do it.
          take_up: called then; takes whatever there is room for.
        """
        self._nursery = nursery
        self._take_up = take_up
        self._watch_lapses()

    def stop(self) -> None:
        """Start no tasks any more: their nursery is about to close."""
        self._nursery = None

    def has(self, session_id: str) -> bool:
        """Return whether an offer waits that the application has not put off."""
        return session_id in self._waiting

    def keeps(self, session_id: str) -> bool:
        """Return whether an offer waits, put off or not."""
        return session_id in self._waiting or session_id in self._put_off

    def add(self, offer: Offered, at: float = 0.0) -> None:
        """Let an offer wait that came at that time. One that was put off is offered anew by that.

        Args:
          offer: the offer.
          at: when it came, in Trio's time.
        """
        is_new = self._put_off.pop(offer.session_id, None) is None
        if is_new:
            self._make_room()
            self._observers.offer_seen()
        self._waiting.add(WaitingOffer(offer.session_id, offer, at, self._chance()))
        self._watch_lapses()

    def renew(self, session_id: str, at: float) -> None:
        """Note that an offer that waits was repeated at that time, if that makes a difference."""
        if self._claim_seconds < math.inf:
            self._waiting.renew(session_id, at)

    def add_own(self, session_id: str, offered_at: float = 0.0) -> None:
        """Let a session wait that nobody else can have: it is claimed when its turn has come."""
        if not self.keeps(session_id):
            self._make_room()
            self._observers.offer_seen()
        self._put_off.pop(session_id, None)
        self._waiting.add(WaitingOffer(session_id, None, offered_at))

    def _make_room(self) -> None:
        """Leave the oldest offer to others, if there are too many; none that only we can have."""
        if len(self._waiting) + len(self._put_off) < MAX_WAITING_OFFERS:
            return
        if not self._has_overflown:
            self._has_overflown = True
            logger.warning(
                "more than %d calls are waiting: the oldest are left to other workers",
                MAX_WAITING_OFFERS,
            )
        offers = chain(self._put_off.values(), self._waiting)
        oldest = next(filter(_is_for_others, offers), None) or next(iter(self._waiting))
        self._lose(Loss.CROWDED_OUT, oldest.session_id)

    def take(self, held: Container[str] = (), wait_seconds: float = 0.0) -> WaitingOffer | None:
        """Take out the first that is to be claimed now, if there is one.

        Args:
          held: sessions that go on waiting.
          wait_seconds: how long each has to wait first, before its jitter. If none has, what
            `start` was given is called when one has.
        """
        self._lose_lapsed()
        while True:
            waiting = self._first(held, wait_seconds)
            if waiting is None:
                return None
            self._waiting.remove(waiting.session_id)
            is_to_be_claimed = self._is_to_be_claimed(waiting)
            self._watch_lapses()
            if is_to_be_claimed:
                return waiting

    def _first(self, held: Container[str], wait_seconds: float) -> WaitingOffer | None:
        oldest = next((offer for offer in self._waiting if offer.session_id not in held), None)
        if oldest is None or not wait_seconds:
            return oldest
        ordered = self._waiting if len(self._waiting) <= FEW_OFFERS else self._waiting.own_order
        offers = (offer for offer in ordered if offer.session_id not in held)
        looked_at = islice(offers, MAX_LOOKED_AT)
        offer, due = next_due(oldest, looked_at, wait_seconds, trio.current_time())
        if offer is None:
            assert self._nursery is not None
            self._due.set(self._nursery, due)
        return offer

    def _look_for_lapsed(self) -> None:
        """Lose what has lapsed, and look again when the next does: what was due may be renewed."""
        self._lose_lapsed()
        self._watch_lapses()

    def _lose_lapsed(self) -> None:
        """Lose what can be claimed no more: others are told of it by now."""
        if self._claim_seconds == math.inf:
            return
        lapsed = [
            offer.session_id
            for offers in (self._waiting, self._put_off.values())
            for offer in takewhile(self._has_lapsed, filter(_is_for_others, offers))
        ]
        if lapsed:
            calls = "1 call was" if len(lapsed) == 1 else f"{len(lapsed)} calls were"
            logger.debug("%s not claimed within %g s", calls, self._claim_seconds)
        self._lose(Loss.LAPSED, *lapsed)

    def _has_lapsed(self, offer: WaitingOffer) -> bool:
        return offer.offered_at + self._claim_seconds <= trio.current_time()

    def _watch_lapses(self) -> None:
        """Look again when the next offer lapses, if one waits that can."""
        if self._nursery is None or self._claim_seconds == math.inf:
            return
        # Each of these is in the order in which they came.
        oldest = (
            next(filter(_is_for_others, offers), None)
            for offers in (self._waiting, self._put_off.values())
        )
        due = min((offer.offered_at for offer in oldest if offer is not None), default=None)
        if due is None:
            self._lapse.stop()
        else:
            self._lapse.set(self._nursery, due + self._claim_seconds)

    def ask_again(self) -> None:
        """Let `take` ask again about all that was put off, but for what was put off too long."""
        if self._put_off:
            now = trio.current_time()
            too_long = [
                name
                for name, waiting in self._put_off.items()
                if waiting.until is None or waiting.until <= now
            ]
            self._lose(Loss.LEFT, *too_long)
            self._waiting.add_first(self._put_off.values())
            self._put_off = {}

    def withdraw(self, session_id: str) -> None:
        """Forget an offer that nobody can take up any more."""
        self._lose(Loss.WITHDRAWN, session_id)

    def clear(self) -> None:
        """Forget all of them: the control connection is lost."""
        offers = chain(self._waiting, self._put_off.values())
        self._lose(Loss.DISCONNECTED, *(waiting.session_id for waiting in offers))

    def _is_to_be_claimed(self, waiting: WaitingOffer) -> bool:
        if self._judge is None or waiting.offer is None:
            return True
        match self._judge(waiting.offer):
            case OfferDecision.CLAIM:
                return True
            case OfferDecision.LEAVE:
                logger.debug("an offer is left to other workers")
                self._observers.offer_lost(Loss.LEFT)
            case OfferDecision.LATER:
                self._put_off_for_now(waiting)
            case decision:
                assert_never(decision)
        return False

    def _put_off_for_now(self, waiting: WaitingOffer) -> None:
        if waiting.until is None:
            waiting.until = trio.current_time() + MAX_PUT_OFF_SECONDS
        self._put_off[waiting.session_id] = waiting
        if not self._is_asking_again:
            assert self._nursery is not None
            self._is_asking_again = True
            self._nursery.start_soon(self._ask_every_second)

    async def _ask_every_second(self) -> None:
        while self._put_off:
            await trio.sleep(ASK_AGAIN_SECONDS)
            self.ask_again()
            self._take_up()
        self._is_asking_again = False

    def _take_up_due(self) -> None:
        self._take_up()

    def _lose(self, loss: Loss, *session_ids: str) -> None:
        """Forget offers, those that are here."""
        has_lost = False
        for session_id in session_ids:
            waited = self._waiting.remove(session_id) or self._put_off.pop(session_id, None)
            if waited is not None:
                has_lost = True
                self._observers.offer_lost(loss)
        if has_lost:
            self._watch_lapses()


def _is_for_others(offer: WaitingOffer) -> bool:
    """Return whether others may have it, who are told of it if it is not claimed in time."""
    return offer.offer is not None
