"""The calls that a client was offered: who waits, who is being claimed, who is served."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.call.claim import ClaimState
from trio_calls.call.scope import CallScope
from trio_calls.client.observers import ClientObservers
from trio_calls.client.offer_queue import MAX_PUT_OFF_SECONDS, MAX_WAITING_OFFERS, OfferQueue
from trio_calls.client.shares import Shares
from trio_calls.offer import OfferDecision
from trio_calls.wire.control_wire import Offered, RingingCall

#: Offers that are being claimed at once, at the most; further ones wait until the exchange has
#: answered. An exchange that never answers must not make us hold all that it offers meanwhile.
MAX_CLAIMS_AT_ONCE: Final = 1000


@attrs.define(eq=False)
class Session:
    """A call from its claim to its end.

    Attributes:
      session_id: the exchange's name for it.
      connection_id: the control connection on which it was claimed first.
      offered_at: when the call was offered, in Trio's time.
      call_in: what the exchange tells the claimant, once it has.
      call: once it is being served.
      call_arrived: set when `call_in` has come, or cannot come any more.
      scope: of all that runs for it.
      finished: set when nothing of that runs any more.
      is_started_here: whether the application has started the call, rather than been offered it.
    """

    session_id: str
    connection_id: str | None
    offered_at: float = 0.0
    call_in: RingingCall | None = None
    call: CallScope | None = None
    call_arrived: trio.Event = attrs.field(factory=trio.Event)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    finished: trio.Event = attrs.field(factory=trio.Event)
    is_started_here: bool = False

    @property
    def is_held(self) -> bool:
        """Whether the call is this process's, so that an offer of it can only be a repetition."""
        if self.call is None:
            return True
        claim = self.call.core.claim
        return not self.call.is_over and claim.state is not ClaimState.IN_QUESTION

    @property
    def rings(self) -> bool:
        """Whether it is being claimed, or waits to be answered."""
        return self.call is None or self.call.core.claim.state is not ClaimState.GONE


class Offers:
    """Keeps every offer until it is taken up, and never takes one up twice.

    Args:
      max_sessions: how many there may be at a time; None for no limit.
      judge: says what becomes of an offer for which there is room; None: all are claimed.
      observers: are told of offers, and of room for them.
      shares: says how long offers wait, so that each worker has its share; None: they do not.
      claim_seconds: for how long an offer can be claimed, for all that is known.
      keeps_offers: whether what waits can be claimed on the next control connection, too.

    Attributes:
      sessions: by their names: what is being claimed, or served.
      queue: what waits to be claimed.
    """

    def __init__(
        self,
        max_sessions: int | None,
        judge: Callable[[Offered], OfferDecision] | None = None,
        observers: ClientObservers | None = None,
        shares: Shares | None = None,
        claim_seconds: float = math.inf,
        *,
        keeps_offers: bool = False,
    ) -> None:
        observers = observers or ClientObservers(max_sessions)
        self.sessions: dict[str, Session] = {}
        chance = None if shares is None else shares.chance
        self.queue: OfferQueue = OfferQueue(judge, observers, chance, claim_seconds)
        self._max_sessions = max_sessions
        self._shares = shares
        self._keeps_offers = keeps_offers
        self._observers = observers
        self._others = 0
        self._claimed: set[Session] = set()
        # Of those, the ones whose claims have no answer so far.
        self._unanswered: set[Session] = set()
        # In the order in which they were released; the values mean nothing.
        self._released: dict[str, None] = {}

    def add(self, offer: Offered, at: float = 0.0) -> None:
        """Keep an offer. One that is being served changes nothing; one that waits waits on.

        A call that was lost here may ring again; that offer waits until its scope is closed. So
        does that of a call whose claim is in question, which may yet be served where it rings. One
        that was released is for other workers.
        """
        if offer.session_id in self._released:
            return
        session = self.sessions.get(offer.session_id)
        if self.queue.has(offer.session_id):
            self.queue.renew(offer.session_id, at)
        elif session is None or not session.is_held:
            self.queue.add(offer, at)

    def has_call(self, session_id: str) -> bool:
        """Return whether this is a call that is on offer here, or being claimed, or served."""
        return session_id in self.sessions or self.queue.keeps(session_id)

    def take(self, connection_id: str | None, strain: float = 0.0) -> Session | None:
        """Start the session of the first offer that is to be claimed.

        Args:
          connection_id: the control connection on which it is claimed.
          strain: what counts as load beside calls, from 0 to 1.

        Returns:
          The session, or None if no offer is to be claimed now, or there is no room for it.
        """
        has_room = len(self._claimed) < MAX_CLAIMS_AT_ONCE and (
            self._max_sessions is None or self._count < self._max_sessions
        )
        if not has_room:
            return None
        waiting = self.queue.take(self.sessions, self._wait_seconds(strain))
        if waiting is None:
            return None
        session = Session(waiting.session_id, connection_id, waiting.offered_at)
        self.sessions[session.session_id] = session
        self._observers.count_changed(self._count)
        self._claimed.add(session)
        self._unanswered.add(session)
        return session

    def begin(self, session_id: str, connection_id: str | None, at: float) -> Session:
        """Start the session of a call that the application has started, whatever room there is.

        Args:
          session_id: the exchange's name for it.
          connection_id: the control connection on which it is claimed.
          at: now, in Trio's time.

        Raises:
          ValueError: this client has the session already.
        """
        if session_id in self.sessions:
            raise ValueError("this client has the session already")
        self.withdraw(session_id)
        session = Session(session_id, connection_id, at, is_started_here=True)
        self.sessions[session_id] = session
        self._observers.count_changed(self._count)
        return session

    def count_others(self, others: int) -> None:
        """Note how many calls there are beside the sessions, which take up room as well."""
        self._others = others
        self._observers.count_changed(self._count)

    @property
    def _count(self) -> int:
        return len(self.sessions) + self._others

    def _wait_seconds(self, strain: float) -> float:
        if self._shares is None:
            return 0.0
        claims = len(self._unanswered)
        return self._shares.wait_seconds(self._count - claims, claims, trio.current_time(), strain)

    def claim_answered(self, session: Session) -> None:
        """Note that the exchange has answered the claim of a session."""
        self._unanswered.discard(session)

    def claim_ended(self, session: Session) -> None:
        """Make room for another claim: a session's call has come, or will not come."""
        self._unanswered.discard(session)
        self._claimed.discard(session)

    @property
    def ringing(self) -> int:
        """How many calls are being claimed, or wait to be answered."""
        return sum(session.rings for session in self.sessions.values())

    def withdraw(self, session_id: str) -> None:
        """Forget an offer that nobody can take up any more."""
        self.queue.withdraw(session_id)

    def keep_in_doubt(self, session: Session) -> None:
        """Let a call wait to be claimed again whose claim nobody has answered.

        Where offers are kept, the exchange may have given it to this process, and would tell nobody
        else of it. Elsewhere it offers the call again.
        """
        rings_for = trio.current_time() - session.offered_at
        if self._keeps_offers and rings_for < MAX_PUT_OFF_SECONDS:
            self.queue.add_own(session.session_id, session.offered_at)

    def finish(self, session: Session) -> None:
        """Forget a session, and make room for the next.

        One that was left ringing waits as if it were offered again: nobody else can have it.
        """
        session.finished.set()
        self.claim_ended(session)
        if self.sessions.get(session.session_id) is session:
            del self.sessions[session.session_id]
            self._observers.count_changed(self._count)
        if session.call is None:
            return
        ending = session.call.core.ending
        if ending.was_left_ringing and not session.is_started_here:
            self.queue.add_own(session.session_id, session.offered_at)
        if ending.was_released:
            self.queue.withdraw(session.session_id)
            self._released[session.session_id] = None
            if len(self._released) > MAX_WAITING_OFFERS:
                del self._released[next(iter(self._released))]

    def connection_lost(self) -> None:
        """Forget what does not survive the control connection.

        That is what the exchange offers again when there is a new one, if it still rings: claims
        that have not become calls, and what only waits, unless it is kept.
        """
        if not self._keeps_offers:
            self.queue.clear()
        for session in list(self.sessions.values()):
            if session.call_in is None:
                session.call_arrived.set()
                self.finish(session)
