"""Takes calls that a dispatcher has put into Redis, and serves them.

::

    serve_from_redis
    ├── connection to Redis
    ├── keeper              says every 0.4 s which calls this worker has and has not opened,
    │                       and takes those off the stream that it has opened
    └── serve_handed_over   takes the next call when there is room, and serves each in its scope

A call is marked in the moment before its media connection is opened, and not when it is taken:
until then nobody is in doubt about it when this process dies.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls._quoting import printable
from trio_calls.call.hand_over import HandOver, with_gatekeeper
from trio_calls.call.handler_check import check_handler
from trio_calls.call.scope import CallHandler
from trio_calls.client.handed_over import serve_handed_over
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.config import ClientConfig
from trio_calls.endings import EndCause, Ending
from trio_calls.errors import WSSFleetError, WSSHandOverError
from trio_calls.fleet._connection import RedisUrl
from trio_calls.fleet._dispatch_marks import (
    BEAT_SECONDS,
    DOUBT_SECONDS,
    LOOK_SECONDS,
    LOST_SECONDS,
    Mark,
    Verdict,
    opening,
    verdict,
    why_not_opened,
)
from trio_calls.fleet._dispatch_store import (
    DEFAULT_QUEUE,
    DispatchStore,
    Entry,
    RedisStore,
    check_queue,
)
from trio_calls.fleet._redis_link import open_redis_link
from trio_calls.fleet._sealing import Sealer

logger = get_logger("trio_calls.fleet")

#: So long Redis is asked whether a call may be opened, before the call is left to others.
ASK_SECONDS: Final = 3.0
#: What is said to Redis at the end may take so long.
_LEAVE_SECONDS: Final = 1.0
#: So many calls are remembered that this worker did not want.
_REMEMBERED: Final = 1000

#: What ends a call for everybody, as far as this worker knows, though it never was open here.
_OVER: Final = frozenset({EndCause.LOST, EndCause.CALLER, EndCause.HANDED_OVER})


class TakenCall:
    """The gatekeeper of a call that this worker has taken."""

    def __init__(self, entry: Entry, mark: Mark, calls: DispatchedCalls) -> None:
        self.entry = entry
        self._mark = mark
        self._calls = calls
        self._is_opened = False
        self._is_refused = False

    async def may_open(self) -> str | None:
        """Mark the call as this worker's. Returns why that cannot be."""
        wanted = opening(self._calls.worker)
        give_up_at = trio.current_time() + ASK_SECONDS
        while trio.current_time() < give_up_at:
            try:
                found = await self._calls.store.change(self.entry.name, self._mark, wanted)
            except WSSFleetError:
                await trio.sleep(BEAT_SECONDS / 4)
                continue
            refusal = why_not_opened(wanted, found)
            self._is_refused = refusal is not None
            if refusal is None:
                self._mark = wanted
            return refusal
        return f"Redis could not be asked for {ASK_SECONDS:g} s whether another worker opens it"

    def opened(self) -> None:
        self._is_opened = True
        self._calls.finish(self.entry)

    def stopped_ringing(self, ending: Ending | None) -> None:
        if self._is_opened:
            return
        if self._is_refused:
            self._calls.forget(self.entry)
        elif ending is not None and ending.cause in _OVER:
            self._calls.finish(self.entry)
        else:
            self._calls.give_back(self.entry)


class DispatchedCalls:
    """The calls of one queue, as `serve_handed_over` takes them.

    Args:
      store: where they are.
      worker: the name of this worker.
      sealer: decrypts them.
    """

    def __init__(self, store: DispatchStore, worker: str, sealer: Sealer) -> None:
        self.store = store
        self.worker = worker
        self._sealer = sealer
        # By entry: what this worker has taken, and has not opened; and what it is to say of others.
        self._held: dict[str, Entry] = {}
        self._finished: dict[str, Entry] = {}
        self._given_back: list[str] = []
        self._unwanted: deque[str] = deque(maxlen=_REMEMBERED)
        self._news = Wakeup()
        self._looks_at = 0.0

    def __aiter__(self) -> DispatchedCalls:
        return self

    async def __anext__(self) -> HandOver:
        """Wait for the next call.

        Cancellation: what Redis has given to this worker in that moment is another's after
        `LOST_SECONDS`.
        """
        while True:
            try:
                taken = await self._next()
            except WSSFleetError:
                # The link says so in the log, and when it is there again.
                await trio.sleep(LOOK_SECONDS)
                continue
            handed_over = None if taken is None else self._unseal(*taken)
            if handed_over is not None:
                return handed_over

    def finish(self, entry: Entry) -> None:
        """Take a call off the stream: nobody else is to open it."""
        self.forget(entry)
        self._finished[entry.entry_id] = entry
        self._news.wake()

    def give_back(self, entry: Entry) -> None:
        """Let others have a call."""
        self.forget(entry)
        self._unwanted.append(entry.entry_id)
        self._given_back.append(entry.entry_id)
        self._news.wake()

    def forget(self, entry: Entry) -> None:
        """Say no longer that this worker has a call."""
        self._held.pop(entry.entry_id, None)

    async def keep(self) -> None:
        """Tell Redis what there is to tell, until cancelled.

        Cancellation: tells the last of it, within `_LEAVE_SECONDS`.
        """
        try:
            with suppress(WSSFleetError):
                await self.store.forget_the_dead()
            while True:
                with suppress(WSSFleetError):
                    await self._tell()
                with trio.move_on_after(BEAT_SECONDS):
                    await self._news.wait()
        finally:
            with (
                trio.move_on_after(_LEAVE_SECONDS, shield=True),
                suppress(WSSFleetError),
            ):
                self._given_back.extend(self._held)
                self._held.clear()
                await self._tell()
                await self.store.leave()

    async def _tell(self) -> None:
        if self._held:
            await self.store.beat(list(self._held))
        # More may come meanwhile, and nobody waits for news.
        while self._finished or self._given_back:
            if self._finished:
                entry_id, entry = next(iter(self._finished.items()))
                await self.store.finish(entry)
                del self._finished[entry_id]
            if self._given_back:
                given_back, self._given_back = self._given_back, []
                await self.store.give_back(given_back)

    async def _next(self) -> tuple[Entry, Mark] | None:
        """Take a call of a worker that is silent, or a new one. None if there is none just now."""
        await trio.lowlevel.checkpoint()
        if trio.current_time() >= self._looks_at:
            self._looks_at = trio.current_time() + LOOK_SECONDS
            taken = await self._look()
            if taken is not None:
                return taken
        entry = await self.store.read(LOOK_SECONDS)
        if entry is None:
            return None
        return await self._judge(entry, None)

    async def _look(self) -> tuple[Entry, Mark] | None:
        if trio.current_time() < self.store.is_up_since + DOUBT_SECONDS:
            # Redis was away, and everybody was silent: they have so long to speak.
            return None
        for silent in await self.store.silent():
            if self._knows(silent.entry_id):
                continue
            entry = await self.store.look_at(silent.entry_id)
            if entry is None:
                await self.store.clear(silent.entry_id)
                continue
            taken = await self._judge(entry, silent.idle_seconds)
            if taken is not None and await self.store.take_over(entry.entry_id, LOST_SECONDS):
                return taken
        return None

    def _knows(self, entry_id: str) -> bool:
        """Return whether this worker has a call, or had it and could not say what became of it."""
        return entry_id in self._held or entry_id in self._finished or entry_id in self._unwanted

    async def _judge(self, entry: Entry, idle_seconds: float | None) -> tuple[Entry, Mark] | None:
        (mark,) = await self.store.marks([entry.name])
        match verdict(mark, idle_seconds):
            case Verdict.TAKE:
                assert mark is not None
                return entry, mark
            case Verdict.CLEAR:
                await self.store.clear(entry.entry_id)
            case Verdict.LEAVE:
                pass
        return None

    def _unseal(self, entry: Entry, mark: Mark) -> HandOver | None:
        try:
            handed_over = self._sealer.unseal(entry.document)
        except WSSHandOverError as error:
            logger.error("a call was left to other workers, and its caller may ring on: %s", error)
            self.give_back(entry)
            return None
        self._held[entry.entry_id] = entry
        return with_gatekeeper(handed_over, TakenCall(entry, mark, self))


@asynccontextmanager
async def _open_calls(url: RedisUrl, sealer: Sealer, queue: str) -> AsyncIterator[DispatchedCalls]:
    """Take calls from Redis for the duration of the block."""
    worker = _worker_name()
    async with open_redis_link(url) as link:
        calls = DispatchedCalls(RedisStore(link, queue, worker), worker, sealer)
        with plain_single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(calls.keep, name="trio_calls: keeper of dispatched calls")
                yield calls
                nursery.cancel_scope.cancel()


def _worker_name() -> str:
    """Make up a name that nobody else has, and that tells an operator where to look."""
    host = printable(platform.node().replace(" ", "-"), 60)
    return f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


async def serve_from_redis(
    handler: CallHandler,
    config: ClientConfig,
    url: str,
    keys: str | Iterable[str],
    *,
    queue: str = DEFAULT_QUEUE,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Call `handler` for calls that dispatchers have put into Redis, until cancelled, or SIGTERM.

    ::

        await serve_from_redis(handle_call, ClientConfig.from_env(), "redis://redis", key)

    This is `trio_calls.sessions.serve_handed_over` with Redis for its source: there is no control
    connection, the next call is taken when there is room for it, and after SIGTERM none is.

    Of several workers that may have a call, one at most is told to open it. The others have run
    their handler up to the first command, and there the call ends quietly, as `EndCause.LOST`. A
    worker that dies before that loses its calls to others within 2 s. One that dies while it opens
    a call leaves it in doubt: after 2 s another tries, and the exchange says who has it.

    When Redis is gone, calls that are open go on, and no new ones are taken until it is back. A
    handler that wants to answer then waits for 3 s, and loses the call.

    A call that is closed in PENDING, or left, is for other workers. Otherwise it is theirs as well
    if it cannot be decrypted.

    Args:
      handler: called with each `ActiveCall`, in the call's own scope. Plain or asynchronous.
      config: as for a client. The audio format is the dispatcher's.
      url: where Redis is: as `open_directory` has it.
      keys: what calls are encrypted with, in any order; see `new_dispatch_key`.
      queue: which calls: 1 to 64 letters, digits, dots, dashes or underscores.
      task_status: reports when calls are being taken.

    Raises:
      WSSFleetError: Redis cannot be reached at the start, or refuses.
      WSSConfigError: a key, the address or the client certificate cannot be used.
      ValueError: that is no name of a queue.
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.
      ExceptionGroup: what a handler has raised, with ``config.crash_on_handler_error``.

    Cancellation: as `serve_handed_over`; what was not opened is for other workers at once.
    """
    sealer, address = Sealer(keys), RedisUrl(url)
    # Errors of handlers know this frame.
    del keys, url
    check_handler(handler)
    check_queue(queue)
    async with _open_calls(address, sealer, queue) as calls:
        await serve_handed_over(calls, handler, config, task_status=task_status)
