"""The client: claims the calls that the exchange offers, and serves each in a scope of its own."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import trio

from trio_calls import events
from trio_calls.call import ActiveCall
from trio_calls.call_scope import CallHandler, run_call
from trio_calls.claims import claim, claim_again
from trio_calls.config import ClientConfig
from trio_calls.control import ControlConnection
from trio_calls.errors import WSSConnectionError
from trio_calls.offers import Offers, Session
from trio_calls.state import CallState
from trio_calls.tls import make_ssl_context
from trio_calls.wire.control import (
    CallIn,
    ControlMessage,
    SessionClosed,
    SessionNotify,
)

logger = logging.getLogger(__name__)

HandlerT = TypeVar("HandlerT", bound=CallHandler)

#: How long a claimed call may take to come. Callers rarely let it ring for longer.
CALL_IN_SECONDS: Final = 60.0


class CallClient:
    """A connection to the exchange, and the calls that came through it.

    Got from `open_call_client`.
    """

    # Holds the scopes of the calls. There is none before the connection stands.
    _nursery: trio.Nursery

    def __init__(self, config: ClientConfig, ssl_context: ssl.SSLContext | None) -> None:
        self._config = config
        self._ssl_context = ssl_context
        self._control = ControlConnection(config, ssl_context, self)
        self._offers = Offers(config.max_concurrent_calls)
        self._handler: CallHandler | None = None
        self._is_leaving = False

    def __repr__(self) -> str:
        return f"<CallClient of {self._config.base_url}, {len(self.calls)} calls>"

    @property
    def calls(self) -> tuple[ActiveCall, ...]:
        """The calls whose scopes are open, the oldest first."""
        sessions = self._offers.sessions.values()
        return tuple(session.call for session in sessions if session.call is not None)

    def on(self, event: str) -> Callable[[HandlerT], HandlerT]:
        """Register the handler of `events.INCOMING_CALL`, as a decorator.

        Calls that were offered before are waiting for it, and are claimed now.

        Raises:
          ValueError: clients have no such event, or it has a handler already: every call is
            served by exactly one.
        """
        if event != events.INCOMING_CALL:
            raise ValueError(f"no event of a client: {event!r}; use events.INCOMING_CALL")

        def register(handler: HandlerT) -> HandlerT:
            if self._handler is not None:
                raise ValueError("incoming calls have a handler already")
            self._handler = handler
            self._take_up()
            return handler

        return register

    async def run_forever(self) -> None:
        """Serve calls until cancelled.

        Cancellation: leave `open_call_client`'s block to end the calls.
        """
        await trio.sleep_forever()

    def control_received(self, message: ControlMessage) -> None:
        """Take note of what the exchange says. Called by the control connection."""
        match message:
            case SessionNotify() if message.offers_call:
                self._receive_offer(message)
            case CallIn():
                self._receive_call(message)
            case SessionClosed():
                self._receive_end(message)
            case _:
                logger.debug("nothing to do for a %s", message.wire_type)

    def control_stands(self) -> None:
        """Claim anew what rings here since before there was this connection. Called by it.

        A caller who has hung up meanwhile is not offered again: the refusal of the claim tells.
        """
        for session in self._offers.sessions.values():
            self._claim_if_lost(session)

    def control_lost(self) -> None:
        """Forget what does not survive the control connection. Called by it."""
        self._offers.connection_lost()

    def _receive_offer(self, offer: SessionNotify) -> None:
        session = self._offers.sessions.get(offer.session_id)
        if session is None or not self._claim_if_lost(session):
            self._offers.add(offer)
            self._take_up()

    def _claim_if_lost(self, session: Session) -> bool:
        """Claim a call that rings here again, if its claim is gone with its connection."""
        has_lost_claim = (
            session.call is not None
            and session.call.state is CallState.PENDING
            and not session.call._core.has_media
            and session.connection_id != self._control.connection_id
        )
        if has_lost_claim:
            self._nursery.start_soon(claim_again, self._control, session, session.connection_id)
            session.connection_id = self._control.connection_id
        return has_lost_claim

    def _receive_call(self, call_in: CallIn) -> None:
        session = self._offers.sessions.get(call_in.session_id)
        if session is None:
            logger.debug("a call came that was not claimed here")
        elif session.call is not None:
            session.call._core.relocate(call_in)
        elif session.call_in is None:
            session.call_in = call_in
            session.settled.set()

    def _receive_end(self, message: SessionClosed) -> None:
        self._offers.withdraw(message.session_id)
        session = self._offers.sessions.get(message.session_id)
        if session is None:
            return
        session.settled.set()
        if session.call is not None:
            session.call._core.session_closed()

    def _take_up(self) -> None:
        """Begin as many sessions as there are offers, and room."""
        while self._handler is not None and not self._is_leaving:
            session = self._offers.take(self._control.connection_id)
            if session is None:
                return
            self._nursery.start_soon(self._serve, session, self._handler)

    async def _serve(self, session: Session, handler: CallHandler) -> None:
        """Claim a call and run its scope, from here to its end."""
        try:
            response = await claim(self._control, session)
            if response is not None and response.is_ok:
                await self._wait_settled(session)
                await self._run(session, handler)
        finally:
            self._offers.finish(session)
            if trio.current_effective_deadline() > trio.current_time():
                self._take_up()

    async def _wait_settled(self, session: Session) -> None:
        with trio.move_on_after(CALL_IN_SECONDS):
            await session.settled.wait()
        if not session.settled.is_set():
            # Until then nobody else can claim it, and it takes up room here.
            self._control.replace(f"a claimed call did not come for {CALL_IN_SECONDS:g} s")

    async def _run(self, session: Session, handler: CallHandler) -> None:
        if session.call_in is None:
            logger.debug("a claimed call did not come: its caller gave up")
            return
        session.call = ActiveCall(session.call_in, self._config, self._ssl_context)
        await run_call(session.call, handler, self._config)


@asynccontextmanager
async def open_call_client(config: ClientConfig) -> AsyncIterator[CallClient]:
    """Connect to the exchange and, inside the block, serve the calls that it offers.

    ::

        async with open_call_client(ClientConfig.from_env()) as client:

            @client.on(events.INCOMING_CALL)
            async def handle_call(call: ActiveCall) -> None: ...

            await client.run_forever()

    Resource handling: the block holds the control connection, and every call's scope. When it is
    left, for whatever reason, every handler is cancelled, every call is left within
    ``config.close_grace_seconds``, the control connection is closed, within 2 s if the exchange
    does not answer any more, and nothing goes on running.

    Error handling: what a handler raises is logged, and ends its own call only, unless
    ``config.crash_on_handler_error`` is set. What the block or such a handler raises comes out in
    an `ExceptionGroup`, as from every Trio nursery. So does a `WSSConnectionError` when the
    exchange, once lost, refuses a new connection for good. The first connection's errors come out
    as they are.

    Args:
      config: how to reach the exchange.

    Raises:
      WSSConnectionError: the exchange cannot be reached, or refuses; see its subclasses.
      WSSConfigError: the client certificate cannot be used.

    Cancellation: before the block, gives up connecting. Inside it, as leaving it.
    """
    ssl_context = make_ssl_context(config)
    refusal: WSSConnectionError | None = None
    async with trio.open_nursery() as connection_nursery:
        client = CallClient(config, ssl_context)
        try:
            await connection_nursery.start(client._control.run)
        except WSSConnectionError as error:
            refusal = error
        else:
            try:
                async with trio.open_nursery() as client._nursery:
                    try:
                        yield client
                    finally:
                        client._is_leaving = True
                    client._nursery.cancel_scope.cancel()
            finally:
                client._control.stop()
    if refusal is not None:
        raise refusal


async def serve_calls(
    handler: CallHandler,
    config: ClientConfig,
    *,
    task_status: trio.TaskStatus[CallClient] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Connect to the exchange and call `handler` for every call that it offers, until cancelled.

    Like `trio.serve_tcp`, for calls: ``client = await nursery.start(serve_calls, handler,
    config)`` waits until the connection stands.

    Resource handling, errors and cancellation are those of `open_call_client`.

    Args:
      handler: called with each `ActiveCall`, in the call's own scope. Plain or asynchronous.
      config: how to reach the exchange.
      task_status: reports the `CallClient` when calls can come.

    Raises:
      WSSConnectionError, WSSConfigError: as `open_call_client`.
    """
    async with open_call_client(config) as client:
        client.on(events.INCOMING_CALL)(handler)
        task_status.started(client)
        await client.run_forever()
