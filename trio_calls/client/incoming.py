"""Incoming calls: claims what the exchange offers, and serves each call in a scope of its own."""

from __future__ import annotations

import contextvars
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from trio_calls._logging import get_logger
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.claim import ClaimState
from trio_calls.call.core import CallCore
from trio_calls.call.hand_over import HandOver
from trio_calls.call.scope import CallHandler, CallScope
from trio_calls.client.adopted_calls import AdoptedCalls
from trio_calls.client.claims import (
    CALL_IN_SECONDS,
    claim,
    claim_again,
    give_back,
    is_granted,
    loss_of,
    was_taken,
)
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.observers import ClientObservers, Loss
from trio_calls.client.offer_judge import OfferJudge
from trio_calls.client.offers import Offers, Session
from trio_calls.client.outcomes import Outcomes
from trio_calls.client.shares import Shares
from trio_calls.client.task_names import task_name
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSHandOverError
from trio_calls.state import STATES_WITH_AUDIO
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.control_wire import News, Offered, RingingCall, SessionEnded
from trio_calls.wire.names import TELEPHONE
from trio_calls.wire.responses import Response

logger = get_logger("trio_calls.incoming")


class IncomingCalls:
    """What a client does with offers of calls.

    Attributes:
      control: where calls are offered and claimed.
      observers: are told of offers, calls and connections.
      offers: the calls that wait, are being claimed, or are served.
      adopted: the calls that other processes have handed over to this client.
      judge: says which offers are claimed.
    """

    # Holds the scopes of the calls, while `open` is entered.
    _nursery: trio.Nursery

    def __init__(self, config: ClientConfig, tls: ClientTLS, control: ControlConnection) -> None:
        self.control: ControlConnection = control
        self.adopted: AdoptedCalls = AdoptedCalls(config, tls)
        self.judge: OfferJudge = OfferJudge(config.claims)
        self._outcomes = Outcomes(self._pause)
        self.observers: ClientObservers = ClientObservers(
            config.max_concurrent_calls, self._outcomes.room
        )
        capacity = config.max_concurrent_calls
        self._shares: Shares | None = None
        if capacity is not None and control.wire.offers_to_all:
            self._shares = Shares(capacity)
        self.offers: Offers = Offers(
            capacity,
            self.judge.judge,
            self.observers,
            self._shares,
            control.wire.claim_seconds,
            keeps_offers=not control.wire.offers_to_all,
        )
        self._config = config
        self._tls = tls
        self._handler: CallHandler | None = None
        self._draining = trio.Event()
        # Of the block that the client is opened in.
        self._context = contextvars.copy_context()

    @property
    def calls(self) -> tuple[ActiveCall, ...]:
        """The calls whose scopes are open, the oldest first; behind them, those handed over."""
        sessions = self.offers.sessions.values()
        claimed = (session.call.active_call for session in sessions if session.call is not None)
        return (*claimed, *self.adopted.calls)

    @property
    def nursery(self) -> trio.Nursery:
        """Holds the scopes of the calls, while `open` is entered."""
        return self._nursery

    @property
    def draining(self) -> trio.Event:
        """Set when offers are left to other workers."""
        return self._draining

    @asynccontextmanager
    async def open(self) -> AsyncIterator[trio.Nursery]:
        """Serve calls inside the block, in a nursery. Leaving it cancels that, and waits for it.

        The control connection has to be there before, and until after.
        """
        try:
            async with trio.open_nursery() as self._nursery:
                self.offers.queue.start(self._nursery, self._take_up)
                try:
                    yield self._nursery
                finally:
                    self.stop_claiming()
                    self.offers.queue.stop()
                    self.adopted.cancel()
                self._nursery.cancel_scope.cancel()
        finally:
            # They run in tasks of the application, and end as soon as those of the nursery.
            with trio.CancelScope(shield=True):
                await self.adopted.wait_closed()

    def serve_with(self, handler: CallHandler) -> None:
        """Claim calls from now on, those that wait first.

        Raises:
          ValueError: there is a handler already.
        """
        if self._handler is not None:
            raise ValueError("incoming calls have a handler already")
        self._handler = handler
        self._take_up()

    def stop_claiming(self) -> None:
        """Leave offers to other workers, for good. Claims that were sent may still bring calls."""
        self._draining.set()
        self.observers.is_draining = True

    async def drain(self, within_seconds: float | None) -> None:
        """Claim no more, and wait until every scope is closed. See `CallClient.drain`."""
        self.stop_claiming()
        sessions = tuple(self.offers.sessions.values())
        if within_seconds is not None:
            deadline = trio.current_time() + within_seconds
            for session in sessions:
                session.scope.deadline = min(session.scope.deadline, deadline)
            self.adopted.end_by(deadline)
        await trio.lowlevel.checkpoint()
        for session in sessions:
            await session.finished.wait()
        await self.adopted.wait_closed()

    async def adopt(self, handed_over: HandOver, handler: CallHandler | None) -> None:
        """Serve a call that another process has handed over. See `CallClient.adopt`."""
        handler = handler or self._handler
        if handler is None:
            raise ValueError("no handler: give one, or register one of events.INCOMING_CALL")
        if self._draining.is_set():
            raise WSSHandOverError("it is too late: this client takes no new calls any more")
        call = self.adopted.add(handed_over)
        call.core.claim.on_end = partial(self._outcomes.stopped_ringing, call)
        self.offers.count_others(len(self.adopted))
        # In a task of its own: what it binds to context variables is for nobody else.
        async with trio.open_nursery() as nursery:
            name = task_name("adopted call", call.active_call.call_id)
            nursery.start_soon(self._serve_adopted, call, handler, name=name)

    async def _serve_adopted(self, call: CallScope, handler: CallHandler) -> None:
        self.observers.call_opened(call.active_call, None)
        try:
            await self.adopted.run(call, handler, self._draining)
        finally:
            self._outcomes.closed(call)
            self.observers.call_closed(call.active_call)
            self.offers.count_others(len(self.adopted))
            self.look_again()

    def control_received(self, news: News) -> None:
        """Act on what the exchange says."""
        match news:
            case Offered() if self._offers_call(news):
                self._receive_offer(news)
            case RingingCall():
                self._receive_call(news)
            case SessionEnded():
                self._receive_end(news)
            case _:
                logger.debug("nothing to do for a message that is about no call")

    def control_connected(self) -> None:
        """Claim anew what rings here since before there was this connection.

        A caller who has hung up meanwhile is not offered again: the refusal of the claim tells.
        """
        self.observers.connection_changed(True)
        for session in self.offers.sessions.values():
            self._claim_if_in_question(session)
        self._take_up()

    def control_lost(self) -> None:
        """Note what does not survive the control connection."""
        self.observers.connection_changed(False)
        self.offers.connection_lost()
        if self.control.wire.follows_claims:
            for session in self.offers.sessions.values():
                if session.call is not None:
                    session.call.core.claim.question()

    def _offers_call(self, message: Offered) -> bool:
        """Return whether this is about a call that can be claimed, for all that is known.

        Activities that are newer than this SDK are for the application to judge, if it does.
        """
        return message.offers_call or (message.channel == TELEPHONE and self.judge.is_asked)

    def _receive_offer(self, offer: Offered) -> None:
        session = self.offers.sessions.get(offer.session_id)
        call = None if session is None else session.call
        if session is not None and call is not None and call.core.claim.offered():
            self._claim_if_in_question(session)
        self.offers.add(offer, trio.current_time())
        self._take_up()

    def _claim_if_in_question(self, session: Session) -> None:
        """Claim a call again on the present connection, unless there is no need to."""
        call = session.call
        if call is not None and call.core.claim.state is ClaimState.IN_QUESTION:
            self._nursery.start_soon(self._claim_again, session, call.core)

    async def _claim_again(self, session: Session, call: CallCore) -> None:
        await claim_again(self.control, session, call)
        if call.claim.state is ClaimState.GONE:
            # Offers from before that answer are out of date: somebody else has the call.
            self.offers.withdraw(session.session_id)

    def _receive_call(self, call_in: RingingCall) -> None:
        session = self.offers.sessions.get(call_in.session_id)
        if session is None:
            logger.debug("a call came that was not claimed here")
        elif session.call is not None:
            session.call.core.claim.renew(call_in)
            self.offers.withdraw(call_in.session_id)
        elif session.call_in is None:
            session.call_in = call_in
            session.call_arrived.set()

    def _receive_end(self, message: SessionEnded) -> None:
        self.offers.withdraw(message.session_id)
        session = self.offers.sessions.get(message.session_id)
        if session is None:
            return
        if session.call is None:
            session.call_in = None
            session.call_arrived.set()
        else:
            session.call.core.ending.session_closed()

    def _take_up(self) -> None:
        """Start as many sessions as there are offers, and room."""
        while self._handler is not None and self._may_claim:
            session = self.offers.take(self.control.connection_id, self._outcomes.strain)
            if session is None:
                return
            # From whatever task this is called: no call sees the context variables of another.
            name = task_name("session", session.session_id)
            serve = partial(self._serve, session, self._handler)
            self._context.run(partial(self._nursery.start_soon, serve, name=name))

    def look_again(self) -> None:
        """Take up what there is room for, and ask again about what was put off."""
        self.offers.queue.ask_again()
        self._take_up()

    @property
    def _may_claim(self) -> bool:
        if self._draining.is_set() or self.control.connection_id is None:
            return False
        room = self._outcomes.room()
        # All are counted only where it matters: there may be thousands.
        return room == math.inf or self.offers.ringing < room

    def _pause(self, seconds: float) -> None:
        # Who drains claims nothing afterwards either, and perhaps has no nursery any more.
        if not self._draining.is_set():
            self._nursery.start_soon(self._resume, seconds)

    async def _resume(self, pause: float) -> None:
        await trio.sleep(pause)
        self._take_up()

    async def _serve(self, session: Session, handler: CallHandler) -> None:
        """Claim a call and run its scope, from here to its end."""
        try:
            with session.scope:
                response = await claim(self.control, session)
                self._claim_answered(session, response)
                if is_granted(self.control, response):
                    await self._wait_for_call(session)
                    self.offers.claim_ended(session)
                    self._take_up()
                    call = self.open_call(session)
                    if call is not None:
                        await call.run(handler, self._draining)
                    else:
                        # Where the answer has all that a call needs, it has come with the end of
                        # the connection.
                        self.offers.keep_in_doubt(session)
                else:
                    self.observers.offer_lost(loss_of(response))
                    if response is None:
                        self.offers.keep_in_doubt(session)
            if session.scope.cancelled_caught and session.call is not None:
                call_id = session.call.active_call.call_id
                logger.warning("call %s: left, as the time to drain was over", call_id)
        finally:
            self.offers.finish(session)
            if session.call is not None:
                self._outcomes.closed(session.call)
                self.observers.call_closed(session.call.active_call)
            if trio.current_effective_deadline() > trio.current_time():
                self.look_again()

    def _claim_answered(self, session: Session, response: Response | None) -> None:
        """Learn from the exchange's answer whether there are other workers."""
        self.offers.claim_answered(session)
        if self._shares is None:
            return
        if is_granted(self.control, response):
            self._shares.granted(trio.current_time())
            self._take_up()
        elif was_taken(self.control, response):
            self._shares.taken(trio.current_time())

    async def _wait_for_call(self, session: Session) -> None:
        with trio.move_on_after(CALL_IN_SECONDS):
            await session.call_arrived.wait()
        if not session.call_arrived.is_set():
            give_back(self.control)

    def open_call(self, session: Session) -> CallScope | None:
        """Make the scope of a claimed call; None if the call did not come."""
        if session.call_in is None:
            logger.debug("a claimed call did not come: its caller gave up")
            if not session.is_started_here:
                is_present = self.control.is_present(session.connection_id)
                self.observers.offer_lost(Loss.HUNG_UP if is_present else Loss.DISCONNECTED)
            return None
        follows_claims = self.control.wire.follows_claims
        call = session.call = CallScope(
            session.call_in, self._config, self._tls, is_followed=follows_claims
        )
        offered_at = None if session.is_started_here else session.offered_at
        self.observers.call_opened(call.active_call, offered_at)
        claim = call.core.claim
        claim.on_end = partial(self._stopped_ringing, session, call)
        if follows_claims and not self.control.is_present(session.connection_id):
            claim.question()
            self._claim_if_in_question(session)
        return call

    def _stopped_ringing(self, session: Session, call: CallScope) -> None:
        """Act on the end of a call's claim. Called by that."""
        if call.core.protocol.state in STATES_WITH_AUDIO:
            self.offers.withdraw(session.session_id)
        self._outcomes.stopped_ringing(call)
        if not call.failed_before_answer:
            # Of one that has failed, it is noted when its scope is closed.
            self.look_again()
