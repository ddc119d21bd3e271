"""Serving calls that other processes hand over, with no control connection of one's own."""

from __future__ import annotations

import contextvars
import math
from collections.abc import AsyncIterable
from functools import partial

import trio

from trio_calls._logging import get_logger
from trio_calls.call.hand_over import HandOver, concealed
from trio_calls.call.handler_check import check_handler
from trio_calls.call.scope import CallHandler, CallScope
from trio_calls.client.adopted_calls import AdoptedCalls
from trio_calls.client.outcomes import Outcomes
from trio_calls.client.task_names import task_name
from trio_calls.concurrency.error_groups import plain_program_end
from trio_calls.concurrency.termination import open_termination_receiver
from trio_calls.concurrency.trio_run import require_trio
from trio_calls.concurrency.watchdog import open_watchdog
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSHandOverError
from trio_calls.transport.tls import ClientTLS

logger = get_logger("trio_calls.handed_over")


async def serve_handed_over(
    documents: AsyncIterable[HandOver | str | bytes],
    handler: CallHandler,
    config: ClientConfig,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Call `handler` for every call that other processes hand over, until `documents` ends.

    Returns when their calls are over.

    ::

        async def receive(queue: Queue) -> AsyncIterator[bytes]:
            while True:
                yield await queue.pop()

        await serve_handed_over(receive(queue), handle_call, ClientConfig.from_env())

    Each call runs in a scope of its own, as those of a client do, and with the audio format that it
    was claimed with. There is no control connection: the end of a call is heard of on its media
    connection only. One that was answered elsewhere, or is over, before this process has opened
    that, ends quietly with the handler's first command, as `EndCause.LOST`.

    The next document is taken when there is room for it, so that others can have it meanwhile:
    while there are fewer than ``config.max_concurrent_calls``, and where the last calls have not
    all failed before they were answered. One that is waited for already is served all the same, and
    one that cannot be used is logged, and passed over.

    After SIGTERM no more documents are taken, and this returns when the calls in progress are over,
    after ``config.drain_seconds`` at the latest, or with a second SIGTERM.

    Args:
      documents: what `ActiveCall.hand_over` has returned elsewhere, or its JSON. It is cancelled
        where it waits for the next, and not closed. What it raises ends this, and every call.
      handler: called with each `ActiveCall`, in the call's own scope. Plain or asynchronous.
      config: as for a client. `HandOver.from_json` is given its audio format.
      task_status: reports when documents are being taken.

    Raises:
      WSSConfigError: the client certificate cannot be used.
      RuntimeError: this is not Trio, but for instance asyncio.
      ExceptionGroup: what `documents` has raised, or a handler with
        ``config.crash_on_handler_error``.

    Cancellation: every handler is cancelled, and every call left, within
    ``config.close_grace_seconds``. What was not acted on rings on, for whoever has claimed it.
    """
    require_trio()
    check_handler(handler)
    server = _Server(handler, config)
    with plain_program_end(), open_termination_receiver() as terminations:
        async with open_watchdog(config.blocked_warning_seconds), trio.open_nursery() as nursery:
            nursery.start_soon(server.obey, terminations)
            task_status.started()
            await server.serve(documents)
            nursery.cancel_scope.cancel()


class _Server:
    """Takes documents one by one, and serves their calls side by side."""

    def __init__(self, handler: CallHandler, config: ClientConfig) -> None:
        self._handler = handler
        self._config = config
        self._calls = AdoptedCalls(config, ClientTLS(config))
        self._outcomes = Outcomes(self._pause)
        self._taking = trio.CancelScope()
        self._draining = trio.Event()
        self._resumes_at = -math.inf
        # Of who has called `serve_handed_over`.
        self._context = contextvars.copy_context()

    async def serve(self, documents: AsyncIterable[HandOver | str | bytes]) -> None:
        """Serve calls until there are no more documents, or none are to be taken, and all is over.

        Cancellation: cancels every call's scope.
        """
        async with trio.open_nursery() as nursery:
            with self._taking:
                await self._take_each(documents, nursery)

    async def obey(self, terminations: trio.MemoryReceiveChannel[None]) -> None:
        """Drain with the first SIGTERM, and leave every call with the second."""
        await terminations.receive()
        logger.info(
            "SIGTERM: no new calls; those in progress, %d, may go on for %g s",
            len(self._calls),
            self._config.drain_seconds,
        )
        self._taking.cancel()
        self._draining.set()
        self._calls.end_by(trio.current_time() + self._config.drain_seconds)
        await terminations.receive()
        logger.warning("SIGTERM again: the calls in progress, %d, are left", len(self._calls))
        self._calls.end_by(trio.current_time())

    async def _take_each(
        self, documents: AsyncIterable[HandOver | str | bytes], nursery: trio.Nursery
    ) -> None:
        iterator = aiter(documents)
        while True:
            await self._wait_for_room()
            try:
                handed_over = self._read(await anext(iterator))
            except StopAsyncIteration:
                return
            # From here on, nothing is awaited: no call is lost that was taken.
            if handed_over is not None:
                call = self._calls.add(handed_over)
                call.core.claim.on_end = partial(self._stopped_ringing, call)
                name = task_name("adopted call", call.active_call.call_id)
                self._context.run(partial(nursery.start_soon, self._serve, call, name=name))

    def _read(self, document: HandOver | str | bytes) -> HandOver | None:
        if isinstance(document, HandOver):
            return document
        try:
            return HandOver.from_json(concealed(document), self._config.audio_format)
        except WSSHandOverError as error:
            logger.error("a call was not taken, and its caller may ring on: %s", error)
            return None

    async def _wait_for_room(self) -> None:
        await trio.lowlevel.checkpoint()
        while not self._has_room:
            now = trio.current_time()
            with trio.move_on_at(self._resumes_at if self._resumes_at > now else math.inf):
                await self._calls.news.wait()

    @property
    def _has_room(self) -> bool:
        limit = self._config.max_concurrent_calls
        if limit is not None and len(self._calls) >= limit:
            return False
        return self._calls.ringing < self._outcomes.room()

    async def _serve(self, call: CallScope) -> None:
        try:
            await self._calls.run(call, self._handler, self._draining)
        finally:
            self._outcomes.closed(call)

    def _stopped_ringing(self, call: CallScope) -> None:
        """Act on the end of a call's claim. Called by that."""
        gatekeeper = call.core.claim.gatekeeper
        if gatekeeper is not None:
            gatekeeper.stopped_ringing(call.core.ending.ending)
        self._outcomes.stopped_ringing(call)
        self._calls.news.wake()

    def _pause(self, seconds: float) -> None:
        self._resumes_at = trio.current_time() + seconds
