"""Passes calls on to workers, through Redis, and tells the callers whom nobody wants.

::

    open_dispatcher
    ├── connection to Redis
    ├── watcher             looks every 0.3 s what became of the calls that were passed on
    └── one task for each call that is being put on a stream, or declined

The process that claims calls keeps its control connection until somebody else has opened them: the
exchange takes back what is not open when that connection ends. On the second wire it does not, and
what is in Redis can be opened without that process; but it alone declines what nobody opens.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import attrs
import trio

from trio_calls._logging import get_logger
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.hand_over import HandOver
from trio_calls.client.adopted_calls import AdoptedCalls
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.config import ClientConfig, is_number
from trio_calls.errors import WSSFleetError
from trio_calls.fleet._connection import RedisUrl
from trio_calls.fleet._dispatch_marks import (
    BEAT_SECONDS,
    LOOK_SECONDS,
    WAITING,
    WITHDRAWN,
    Mark,
    Outlook,
    Stage,
    outlook,
)
from trio_calls.fleet._dispatch_store import (
    DEFAULT_QUEUE,
    DispatchStore,
    RedisStore,
    check_queue,
)
from trio_calls.fleet._redis_link import open_redis_link
from trio_calls.fleet._sealing import Sealer
from trio_calls.transport.tls import ClientTLS

logger = get_logger("trio_calls.fleet")

#: A call that cannot be put into Redis in so long is declined.
PUT_SECONDS: Final = 3.0
#: A caller is not to ring for longer than anybody would wait.
_LONGEST_RING_SECONDS: Final = 600.0


@attrs.define(eq=False)
class _PassedOnCall:
    """A call that was handed over, until somebody else has opened it.

    Attributes:
      handed_over: what a worker needs.
      queue: where it is put.
      ring_until: by when a worker is to open it, in Trio's time.
      name: of its mark.
      entry_id: its place on the stream; empty if that is not known.
      mark: the last that was seen of it.
      unseen_since: since when there has been no mark, in Trio's time; None if there was one.
      is_outdated: whether the exchange has offered the call again, so that this is of no use.
    """

    handed_over: HandOver
    queue: str
    ring_until: float
    name: str = ""
    entry_id: str = ""
    mark: Mark | None = WAITING
    unseen_since: float | None = None
    is_outdated: bool = False


class Dispatcher:
    """Passes calls on to workers. Got from `open_dispatcher`."""

    def __init__(
        self,
        open_store: Callable[[str], DispatchStore],
        sealer: Sealer,
        config: ClientConfig,
        ring_seconds: float,
        nursery: trio.Nursery,
    ) -> None:
        self._open_store = open_store
        self._sealer = sealer
        self._ring_seconds = ring_seconds
        self._nursery = nursery
        # That a call cannot be declined is no failure of the application's.
        config = attrs.evolve(config, on_handler_failure="decline", crash_on_handler_error=False)
        self._declining = AdoptedCalls(config, ClientTLS(config))
        # By the exchange's name: those that are put or waited for.
        self._calls: dict[str, _PassedOnCall] = {}
        self._watched: set[_PassedOnCall] = set()
        self._news = Wakeup()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Dispatcher, {self.waiting} calls wait>"

    @property
    def waiting(self) -> int:
        """How many calls were passed on, and were neither opened nor declined yet."""
        return len(self._calls) + len(self._declining)

    async def dispatch(self, call: ActiveCall, queue: str = DEFAULT_QUEUE) -> None:
        """Hand a ringing call over to whichever worker of a queue is the first to take it.

        As a handler of `events.INCOMING_CALL`, or from one that looks at `ActiveCall.caller_number`
        first. It returns at once. From here on the dispatcher has the call: it is declined, so that
        its caller is told, if it cannot be put into Redis within 3 s, or if no worker has opened it
        in its time to ring.

        Args:
          call: on which nothing was done yet.
          queue: which workers: 1 to 64 letters, digits, dots, dashes or underscores.

        Raises:
          ValueError: that is no name of a queue. Nothing has changed.
          WSSFleetError: the dispatcher's block was left. Nothing has changed.
          WSSCallStateError: as `ActiveCall.hand_over`. Nothing has changed.

        Cancellation: nothing has happened. Always a checkpoint.
        """
        check_queue(queue)
        if self._is_closed:
            await trio.lowlevel.checkpoint()
            raise WSSFleetError("the dispatcher is closed")
        handed_over = await call.hand_over(f"the queue {queue}")
        passed_on = _PassedOnCall(handed_over, queue, trio.current_time() + self._ring_seconds)
        outdated = self._calls.pop(handed_over.call_id, None)
        self._calls[handed_over.call_id] = passed_on
        if outdated is not None:
            # The exchange offers it again: what was handed over before opens nothing any more.
            outdated.is_outdated = True
            self._watched.discard(outdated)
            self._nursery.start_soon(self._withdraw, outdated)
        self._nursery.start_soon(self._put, passed_on)

    async def drain(self) -> None:
        """Wait until every call that was passed on was opened by a worker, or was declined.

        Stay connected meanwhile, and take no new calls: see `CallClient.drain`.

        Cancellation: ends the wait only.
        """
        await trio.lowlevel.checkpoint()
        while self.waiting:
            await self._news.wait()

    async def watch(self) -> None:
        """Look what became of the calls, until cancelled. Then no more are taken."""
        try:
            while True:
                await trio.sleep(LOOK_SECONDS)
                for queue in sorted({call.queue for call in self._watched}):
                    await self._look([call for call in self._watched if call.queue == queue])
                for call in tuple(self._watched):
                    self._act(call)
        finally:
            self._is_closed = True

    async def _look(self, calls: list[_PassedOnCall]) -> None:
        """Note the marks of calls of one queue. Where Redis is gone they are what they were."""
        try:
            marks = await self._store(calls[0]).marks([call.name for call in calls])
        except WSSFleetError:
            return
        now = trio.current_time()
        for call, mark in zip(calls, marks, strict=True):
            call.mark = mark
            if mark is not None:
                call.unseen_since = None
            elif call.unseen_since is None:
                call.unseen_since = now

    def _act(self, call: _PassedOnCall) -> None:
        now = trio.current_time()
        since = now if call.unseen_since is None else call.unseen_since
        call_id = call.handed_over.call_id
        match outlook(call.mark, left_seconds=call.ring_until - now, lost_seconds=now - since):
            case Outlook.DONE:
                logger.info("call %s: a worker has opened it", call_id)
                self._forget(call)
            case Outlook.PUT_AGAIN:
                logger.warning("call %s: Redis has lost it, and it is put there again", call_id)
                self._watched.discard(call)
                self._nursery.start_soon(self._put, call)
            case Outlook.DECLINE:
                self._watched.discard(call)
                self._nursery.start_soon(self._give_up, call, "no worker has opened it in time")
            case Outlook.WAIT:
                pass

    async def _put(self, call: _PassedOnCall) -> None:
        """Put a call on the stream of its queue, or decline it."""
        call_id = call.handed_over.call_id
        # Made up anew each time: whoever has taken it before Redis has lost it opens it no more.
        call.name, call.mark, call.unseen_since = uuid.uuid4().hex, WAITING, None
        document = self._sealer.seal(call.handed_over)
        give_up_at = min(trio.current_time() + PUT_SECONDS, call.ring_until)
        while trio.current_time() < give_up_at and not call.is_outdated:
            left = call.ring_until - trio.current_time()
            try:
                call.entry_id = await self._store(call).put(call.name, document, left)
            except WSSFleetError as error:
                logger.debug("call %s: it could not be put into Redis: %s", call_id, error)
                await trio.sleep(BEAT_SECONDS / 4)
            else:
                logger.info("call %s: it waits for a worker in the queue %s", call_id, call.queue)
                if not call.is_outdated:
                    self._watched.add(call)
                return
        if not call.is_outdated:
            await self._give_up(call, "it could not be put into Redis")

    async def _give_up(self, call: _PassedOnCall, why: str) -> None:
        """Decline a call, unless a worker opens it after all."""
        found = await self._withdraw(call)
        if found is not None and found.stage is Stage.OPENING and found != call.mark:
            # Somebody has just begun with it.
            call.mark = found
            self._watched.add(call)
        elif found is not None and found.stage is Stage.OPENED:
            self._forget(call)
        elif not call.is_outdated:
            call_id = call.handed_over.call_id
            logger.warning("call %s: %s, so it is declined", call_id, why)
            declining = self._declining.add(call.handed_over)
            self._forget(call)
            try:
                await self._declining.run(declining, _decline, trio.Event())
            finally:
                self._news.wake()

    async def _withdraw(self, call: _PassedOnCall) -> Mark | None:
        """Let nobody open a call any more who has not begun. Returns its mark, as far as known."""
        store = self._store(call)
        try:
            found = await store.change(call.name, call.mark or WAITING, WITHDRAWN)
            if call.entry_id and (found is None or found == WITHDRAWN):
                await store.clear(call.entry_id)
        except WSSFleetError:
            return None
        return found

    def _forget(self, call: _PassedOnCall) -> None:
        self._watched.discard(call)
        if self._calls.get(call.handed_over.call_id) is call:
            del self._calls[call.handed_over.call_id]
        self._news.wake()

    def _store(self, call: _PassedOnCall) -> DispatchStore:
        return self._open_store(call.queue)


async def _decline(call: ActiveCall) -> None:
    await call.disconnect()


@asynccontextmanager
async def open_dispatcher(
    config: ClientConfig, url: str, keys: str | Iterable[str], *, ring_seconds: float = 30.0
) -> AsyncIterator[Dispatcher]:
    """Connect to Redis and, inside the block, pass calls on to workers.

    ::

        async with (
            open_dispatcher(config, "redis://redis", key) as dispatcher,
            open_call_client(config) as client,
        ):
            client.on(events.INCOMING_CALL)(dispatcher.dispatch)
            await client.run_forever()
            await dispatcher.drain()

    Workers are `serve_from_redis`, with the same key.

    Resource handling: the block holds the connection to Redis. When it is left, nobody looks any
    more what becomes of calls that no worker has opened: leave the client with it, so that the
    exchange offers them again, or `Dispatcher.drain` first. On the second wire nothing is offered
    again, so drain there: workers may still open what was passed on, and nobody declines it.

    When Redis is gone, each new call is declined after 3 s, so that its caller need not wait for
    nothing. What was put there before is put there again if it is lost.

    Args:
      config: of the client that claims the calls.
      url: where Redis is: as `open_directory` has it.
      keys: the first one encrypts; see `new_dispatch_key`. To change it, first give the new one to
        all workers, beside the old one.
      ring_seconds: in what time a worker is to open a call, 1 to 600 s.

    Raises:
      WSSFleetError: Redis cannot be reached at the start, or refuses.
      WSSConfigError: a key, the address or the client certificate cannot be used.
      ValueError: `ring_seconds` makes no sense.
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.

    Cancellation: inside the block, as leaving it.
    """
    if not is_number(ring_seconds, 1, _LONGEST_RING_SECONDS):
        raise ValueError(f"ring_seconds must be 1 to 600, not {ring_seconds!r}")
    sealer, address = Sealer(keys), RedisUrl(url)
    # Errors of the block know this frame.
    del keys, url
    async with open_redis_link(address) as link:
        with plain_single_error():
            async with trio.open_nursery() as nursery:
                open_store = partial(RedisStore, link)
                dispatcher = Dispatcher(open_store, sealer, config, ring_seconds, nursery)
                nursery.start_soon(dispatcher.watch, name="trio_calls: watcher of dispatched calls")
                yield dispatcher
                nursery.cancel_scope.cancel()
