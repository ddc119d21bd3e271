"""The client: a connection to the exchange, and what comes through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

import trio

from trio_calls import events
from trio_calls._logging import get_logger
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.hand_over import HandOver, concealed
from trio_calls.call.handler_check import check_handler
from trio_calls.call.scope import CallHandler
from trio_calls.client.call_flow import InboundCalls
from trio_calls.client.conversation import Conversation
from trio_calls.client.conversation_handlers import ConversationHandler
from trio_calls.client.observers import ClientObservers
from trio_calls.client.outgoing import open_call
from trio_calls.client.reception import Reception
from trio_calls.client.sessions import Sessions
from trio_calls.concurrency.error_groups import plain_program_end
from trio_calls.concurrency.termination import open_termination_receiver
from trio_calls.concurrency.trio_run import require_trio
from trio_calls.concurrency.watchdog import open_watchdog
from trio_calls.config import ClientConfig, is_number
from trio_calls.errors import WSSConnectionError, WSSMessageChannelError
from trio_calls.offer import Claims, Offer
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.call_protocol import check_ring_time
from trio_calls.wire.message import MAX_NAME_LENGTH
from trio_calls.wire.names import TELEPHONE

logger = get_logger("trio_calls.client")

HandlerT = TypeVar("HandlerT", bound=CallHandler | ConversationHandler | Claims)


class HasSession(Protocol):
    """What names a session: an offer, or the error that one exists already."""

    @property
    def session_id(self) -> str | None:
        """The exchange's name for it."""


class CallClient:
    """A connection to the exchange, and the calls and conversations that came through it.

    Got from `open_call_client`.
    """

    def __init__(self, config: ClientConfig, reception: Reception) -> None:
        self._config = config
        self._reception = reception
        self._incoming = reception.calls

    def __repr__(self) -> str:
        return f"<CallClient of {self._config.base_url}, {len(self.calls)} calls>"

    @property
    def calls(self) -> tuple[ActiveCall, ...]:
        """The calls whose scopes are open, the oldest first."""
        return self._incoming.calls

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """The conversations that a handler or a block holds, the oldest first."""
        return self._reception.conversations.held

    def on(self, event: str) -> Callable[[HandlerT], HandlerT]:
        """Register the handler of an event, as a decorator.

        That of `events.INCOMING_CALL` is called with each `ActiveCall`. Calls that were offered
        before are waiting for it, and are claimed now.

        That of `events.INCOMING_MESSAGE` is called with each
        `~trio_calls.sessions.Conversation`, which was claimed in the same way, and again with one
        in which more is written when it is done.

        That of `events.OFFER` is called with each `~trio_calls.sessions.Offer` for which there is
        room, and returns an `~trio_calls.sessions.OfferDecision`. It must be a plain function, as
        nothing may wait between an offer and its claim. When it fails, that is logged, and the
        offer claimed as without it. Register it first, or give it as ``ClientConfig.claims``.

        Raises:
          ValueError: clients have no such event, or it has a handler already: every call and every
            conversation is served by exactly one.
          TypeError: what is to be registered cannot be called, or is a generator; or asynchronous,
            for `events.OFFER`.
        """
        registrars: dict[str, Callable[[Any], None]] = {
            events.INCOMING_CALL: self._serve_with,
            events.INCOMING_MESSAGE: self._serve_messages_with,
            events.OFFER: self._incoming.judge.ask,
        }
        if event not in registrars:
            raise ValueError(
                f"no event of a client: {event!r}; use events.INCOMING_CALL, "
                "events.INCOMING_MESSAGE or events.OFFER"
            )

        def register(handler: HandlerT) -> HandlerT:
            registrars[event](handler)
            return handler

        return register

    @asynccontextmanager
    async def open_conversation(self, session: str | HasSession) -> AsyncIterator[Conversation]:
        """Claim a session in which people write, and hold its conversation for the block.

        ::

            async with client.open_conversation(session_id) as conversation:
                await conversation.send(api_version="v23.0", data=greeting)
                async for message in conversation:
                    ...

        A session that this client has already is not claimed again: who opens it, too, shares the
        conversation with whoever has it. When the block is left, the session stays this client's,
        and nothing is said to the exchange: what is written then waits for the next block, or is
        for the handler of `events.INCOMING_MESSAGE`. Use `Conversation.close` to end it.

        The end of the conversation ends its readers, and not the block.

        Args:
          session: its id, or what has that as ``session_id``, such as an offer, or the error that
            one exists already.

        Raises:
          WSSSessionError: the exchange refuses; `WSSSessionBusyError` if another connection has
            it. See the subclasses.
          WSSConnectionError: there is no connection now, or it was lost before the answer.
          ValueError: that names no session.

        Cancellation: before the block, the exchange may have given the session to this client.
        """
        session_id = session if isinstance(session, str) else session.session_id
        if not isinstance(session_id, str) or not 0 < len(session_id) <= MAX_NAME_LENGTH:
            raise ValueError(f"a session has an id of 1 to {MAX_NAME_LENGTH} characters")
        is_offered_call = isinstance(session, Offer) and session.channel == TELEPHONE
        if is_offered_call or self._incoming.offers.has_call(session_id):
            raise WSSMessageChannelError(
                "the session is a call, and no conversation", session_id=session_id
            )
        async with self._reception.conversations.open(session_id) as conversation:
            yield conversation

    async def adopt(
        self, document: HandOver | str | bytes, handler: CallHandler | None = None
    ) -> None:
        """Serve a call that another process has handed over; return when its scope is closed.

        It runs within this, so start a task for each. It is a call of this client:
        `drain` waits for it, the end of `open_call_client`'s block ends it, and it counts as one of
        ``config.max_concurrent_calls``, though it waits for no room.

        Its audio format is the one that it was claimed with. Its end is heard of on its media
        connection only: one that was answered elsewhere, or is over, before this client has opened
        that, ends quietly with the handler's first command, as `EndCause.LOST`.

        To serve such calls without a control connection: `trio_calls.sessions.serve_handed_over`.

        Args:
          document: what `ActiveCall.hand_over` has returned elsewhere, or its JSON, which
            `trio_calls.sessions.HandOver.from_json` is given with this client's audio format.
          handler: called with the call; None: that of `events.INCOMING_CALL`.

        Raises:
          WSSHandOverError: the document cannot be used, or this client takes no new calls any more.
          ValueError: there is no handler.
          ExceptionGroup: with what the handler has raised, with ``config.crash_on_handler_error``
            only.

        Cancellation: as for a call that was offered: the handler is cancelled, and the call left,
        within ``config.close_grace_seconds``. If it was not acted on, it rings on, for the client
        that has claimed it.
        """
        if not isinstance(document, HandOver):
            document = concealed(document)
            document = HandOver.from_json(document, self._config.audio_format)
        await self._incoming.adopt(document, handler)

    def _serve_with(self, handler: CallHandler) -> None:
        check_handler(handler)
        self._incoming.serve_with(handler)

    @property
    def sessions(self) -> Sessions:
        """The sessions of the connector: which there are, and how one is started or closed."""
        return self._reception.sessions

    def open_call(
        self, session_id: str, *, ring_time_seconds: float | None = None
    ) -> AbstractAsyncContextManager[ActiveCall]:
        """Claim the session of a call that was started, and serve its call inside the block.

        ::

            session_id = await client.sessions.create("TELCO", "+6591110000")
            async with client.open_call(session_id) as call:
                await call.answer()
                await call.send_audio(greeting)
                await call.close()

        Experimental, as `~trio_calls.sessions.Sessions.create` is for calls.

        Resource handling: the block is to this call what its handler is to others. Everything that
        runs for the call ends before the block has been left, and leaving it is returning: an
        ANSWERED call is closed, a PENDING one ended, and in a conference the agent stays until that
        is over. When the block fails or is cancelled, the agent leaves within
        ``config.close_grace_seconds``. The block is cancelled ``config.after_call_seconds`` after
        the call has ended, when the time to `drain` is over, and when the client is closed: then it
        ends without an error.

        Args:
          session_id: what `~trio_calls.sessions.Sessions.create` has returned.
          ring_time_seconds: how long the telephone may ring, 1 to 120 s. On the second wire, where
            it rings when `ActiveCall.answer` is called, the exchange is told so; None is 60 s. The
            first has no word for it: the block is waited for so long, 120 s with None, and the
            telephone may ring on, as with a cancellation.

        Raises:
          WSSSessionError: the exchange refuses; or this client takes no new calls any more; or
            there is no call: nobody has answered it (a
            `~trio_calls.sessions.WSSSessionClosedError`), it did not come in time, or the session
            is one in which people write.
          WSSConnectionError: there is no connection now, or it was lost before the call came.
          ValueError: a ring time outside 1 to 120 s; or this client has the session already.

        Cancellation: before the block, the other side's telephone may ring on, and the session is
        open until `~trio_calls.sessions.Sessions.close`, or the end of the control connection.
        """
        if ring_time_seconds is not None:
            check_ring_time(ring_time_seconds)
        return open_call(
            self._reception, session_id, self._config.close_grace_seconds, ring_time_seconds
        )

    async def set_call_flow(
        self,
        *,
        inbound_calls: InboundCalls | str,
        outbound_calls: bool,
        inbound_messages: bool,
        outbound_messages: bool,
    ) -> None:
        """Say what this client is to be offered. Until then that is inbound calls and messages.

        All of it is said each time, as the exchange takes what is not mentioned for off. The client
        remembers what was accepted, and says it again on each new connection, before it claims
        anything there. A refusal then is logged, at WARNING.

        Args:
          inbound_calls: ``"all"``, ``"missed_only"`` for those that nobody else has picked up, or
            ``"none"``; or an `~trio_calls.sessions.InboundCalls`.
          outbound_calls: calls that the connector's subscribers make.
          inbound_messages: messages that come in.
          outbound_messages: messages that the connector's subscribers write.

        Raises:
          WSSSessionError: the exchange refuses; what was said before holds.
          WSSConnectionError: there is no connection now, it was lost, or the exchange has not
            answered for 60 s. What was said before is said again on the next.
          ValueError, TypeError: an argument makes no sense.

        Cancellation: the exchange may do it, but it will not be said again.
        """
        await self._reception.call_flow.set(
            inbound_calls=inbound_calls,
            outbound_calls=outbound_calls,
            inbound_messages=inbound_messages,
            outbound_messages=outbound_messages,
        )

    def _serve_messages_with(self, handler: ConversationHandler) -> None:
        check_handler(handler)
        self._reception.conversations.serve_with(handler)

    async def run_forever(self) -> None:
        """Serve calls until cancelled, or until SIGTERM; then `drain`, and return.

        That drain ends after ``config.drain_seconds``, or with a second SIGTERM. A third one ends
        the process at once, as it does without this SDK.

        SIGTERM is left to the application outside the main thread, and where the application has
        a handler of it already, for instance `trio.open_signal_receiver`. It may call `drain` then.
        Control-C is Trio's: it raises `KeyboardInterrupt`, and leaves every call.

        Cancellation: leave `open_call_client`'s block to end the calls.
        """
        with open_termination_receiver() as terminations:
            await terminations.receive()
            logger.info(
                "SIGTERM: no new calls; those in progress, %d, may go on for %g s",
                len(self.calls),
                self._config.drain_seconds,
            )
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def give_up_waiting() -> None:
                    await terminations.receive()
                    nursery.cancel_scope.cancel()

                await self.drain(self._config.drain_seconds)
                nursery.cancel_scope.cancel()
        if self.calls:
            logger.warning("SIGTERM again: the calls in progress, %d, are left", len(self.calls))
        await self.drain(0)

    async def drain(self, within_seconds: float | None = None) -> None:
        """Take no new calls and messages, for good, and wait until those in progress are over.

        Offers are left to other workers from the moment of the call, and ring on until one takes
        them. Every call that this client has is in progress, also one that still rings: its handler
        may answer it, and goes on to its end. So is one whose claim was sent before and is granted
        now. In a conference that its handler
        has left to itself, by returning in CONNECTED, the agent does not stay: it leaves, and
        caller and callee go on talking.

        Readers of conversations end when everything that has come was read, so that handlers of
        messages can finish. Nothing is said to the exchange, which has the sessions back when the
        client is left. `open_conversation`'s blocks are not waited for.

        What is still in progress at the deadline is cancelled: its handler is cancelled, and the
        call is left within ``config.close_grace_seconds``. Every call of this method may bring the
        deadline forward, none puts it off. The deadline holds whether anybody waits or not.

        Leave `open_call_client`'s block afterwards. A handler of a call cannot wait for this, as it
        would wait for itself.

        Args:
          within_seconds: how long the calls may go on; None for as long as they take, without any
            deadline. ``config.drain_seconds`` is that of SIGTERM.

        Raises:
          ValueError: that is no number, or a negative one.

        Cancellation: ends the wait only; no new calls are taken all the same. Always a checkpoint.
        """
        if within_seconds is not None and not is_number(within_seconds, 0):
            raise ValueError(f"within_seconds must be a number from 0 on, not {within_seconds!r}")
        await self._reception.drain(within_seconds)


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
    as they are. So do `KeyboardInterrupt` and `SystemExit`, which end the program.

    Args:
      config: how to reach the exchange.

    Raises:
      WSSConnectionError: the exchange cannot be reached, or refuses; see its subclasses.
      WSSConfigError: the client certificate cannot be used.
      RuntimeError: this is not Trio, but for instance asyncio.

    Cancellation: before the block, gives up connecting. Inside it, as leaving it.
    """
    require_trio()
    tls = ClientTLS(config)
    refusal: WSSConnectionError | None = None
    with plain_program_end():
        async with (
            open_watchdog(config.blocked_warning_seconds),
            trio.open_nursery() as connection_nursery,
        ):
            reception = Reception(config, tls)
            client = CallClient(config, reception)
            try:
                await connection_nursery.start(
                    reception.control.run, name="trio_calls: control connection"
                )
            except WSSConnectionError as error:
                refusal = error
            else:
                try:
                    async with reception.open():
                        yield client
                finally:
                    reception.control.stop()
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
    config)`` waits until there is a connection.

    After SIGTERM it takes no new calls, and returns when those in progress are over: see
    `CallClient.run_forever`. Resource handling, errors and cancellation are those of
    `open_call_client`.

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


def client_observers_of(client: CallClient) -> ClientObservers:
    """Return those who watch a client, to watch it, too."""
    return client._incoming.observers
