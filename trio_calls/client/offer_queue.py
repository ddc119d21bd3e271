"""Offers that wait to be claimed, and what the application says of each when its turn has come.

::

    add() ──► waiting ── take() ── CLAIM ──► whoever has called it
                 ▲         │
                 │         ├────── LEAVE     for other workers
                 │         └────── LATER ──► put off ── for too long ──► for other workers
                 └──────── ask_again() ──────────┘

It knows nothing of calls: the offers of a channel are in a queue of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final, assert_never

import attrs
import trio

from trio_calls._logging import get_logger
from trio_calls.client.observers import ClientObservers, Loss
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


@attrs.define(eq=False)
class WaitingOffer:
    """What waits to be claimed.

    Attributes:
      session_id: the exchange's name for the session.
      offer: what is to be decided about; None: the session is this process's already, for lack of
        another, and nobody is asked.
      offered_at: when it was offered, in Trio's time.
      until: how long it may be put off; None until it is.
    """

    session_id: str
    offer: Offered | None
    offered_at: float
    until: float | None = None


class OfferQueue:
    """Keeps offers in the order in which they came, each until it is claimed, or left.

    Args:
      judge: says what becomes of an offer; must neither wait nor raise. None: all are claimed.
      observers: are told of offers that come, and of those that are lost here.
    """

    def __init__(
        self,
        judge: Callable[[Offered], OfferDecision] | None = None,
        observers: ClientObservers | None = None,
    ) -> None:
        self._judge = judge
        self._observers = observers or ClientObservers()
        self._waiting: dict[str, WaitingOffer] = {}
        self._put_off: dict[str, WaitingOffer] = {}
        self._has_overflown = False
        self._is_asking_again = False
        # What `start` has chosen.
        self._nursery: trio.Nursery
        self._take_up: Callable[[], None]

    def start(self, nursery: trio.Nursery, take_up: Callable[[], None]) -> None:
        """Ask again every second, while something is put off.

        Args:
          nursery: runs the task that does it.
          take_up: called then; takes whatever there is room for.
        """
        self._nursery = nursery
        self._take_up = take_up

    def has(self, session_id: str) -> bool:
        """Return whether an offer waits that the application has not put off."""
        return session_id in self._waiting

    def add(self, offer: Offered, at: float = 0.0) -> None:
        """Let an offer wait that came at that time. One that was put off is offered anew by that.

        Args:
          offer: the offer.
          at: when it came, in Trio's time.
        """
        is_new = self._put_off.pop(offer.session_id, None) is None
        if len(self._waiting) + len(self._put_off) == MAX_WAITING_OFFERS:
            if not self._has_overflown:
                self._has_overflown = True
                logger.warning(
                    "more than %d calls are waiting: the oldest are left to other workers",
                    MAX_WAITING_OFFERS,
                )
            self._lose(next(iter(self._put_off or self._waiting)), Loss.CROWDED_OUT)
        if is_new:
            self._observers.offer_seen()
        self._waiting[offer.session_id] = WaitingOffer(offer.session_id, offer, at)

    def add_own(self, session_id: str, offered_at: float = 0.0) -> None:
        """Let a session wait that nobody else can have: it is claimed when its turn has come."""
        if session_id not in self._waiting:
            self._observers.offer_seen()
        self._waiting[session_id] = WaitingOffer(session_id, None, offered_at)

    def take(self, held: Container[str] = ()) -> WaitingOffer | None:
        """Take out the oldest that is to be claimed now, if there is one.

        Args:
          held: sessions that go on waiting.
        """
        while True:
            name = next((name for name in self._waiting if name not in held), None)
            if name is None:
                return None
            waiting = self._waiting.pop(name)
            if self._is_to_be_claimed(waiting):
                return waiting

    def ask_again(self) -> None:
        """Let `take` ask again about all that was put off, but for what was put off too long."""
        if self._put_off:
            now = trio.current_time()
            for name, waiting in tuple(self._put_off.items()):
                if waiting.until is None or waiting.until <= now:
                    self._lose(name, Loss.LEFT)
            self._waiting = self._put_off | self._waiting
            self._put_off = {}

    def withdraw(self, session_id: str) -> None:
        """Forget an offer that nobody can take up any more."""
        self._lose(session_id, Loss.WITHDRAWN)

    def clear(self) -> None:
        """Forget all of them: the control connection is lost."""
        for session_id in (*self._waiting, *self._put_off):
            self._lose(session_id, Loss.DISCONNECTED)

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
            self._is_asking_again = True
            self._nursery.start_soon(self._ask_every_second)

    async def _ask_every_second(self) -> None:
        while self._put_off:
            await trio.sleep(ASK_AGAIN_SECONDS)
            self.ask_again()
            self._take_up()
        self._is_asking_again = False

    def _lose(self, session_id: str, loss: Loss) -> None:
        """Forget an offer, if it is here."""
        waited = self._waiting.pop(session_id, None) or self._put_off.pop(session_id, None)
        if waited is not None:
            self._observers.offer_lost(loss)
