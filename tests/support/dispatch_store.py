"""A queue of dispatched calls in memory, so that workers can die in virtual time.

It does what `trio_calls.fleet._dispatch_store.RedisStore` does; a test runs the same on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import trio

from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.errors import WSSFleetError
from trio_calls.fleet._dispatch_marks import (
    DOUBT_SECONDS,
    KEPT_SECONDS,
    LOST_SECONDS,
    OPENED,
    WAITING,
    Mark,
)
from trio_calls.fleet._dispatch_store import Entry, SilentEntry


@attrs.define
class _Pending:
    worker: str
    heard_at: float


class QueueInMemory:
    """What Redis has of one queue.

    Attributes:
      is_down: whether it can be reached.
      is_up_since: since when, if it was down.
      entries: what is on the stream.
      documents: everything that was ever put there.
    """

    def __init__(self) -> None:
        self.is_down = False
        self.is_up_since = -math.inf
        self.entries: dict[str, Entry] = {}
        self.documents: list[bytes] = []
        self._new: list[str] = []
        self._pending: dict[str, _Pending] = {}
        self._marks: dict[str, tuple[Mark, float]] = {}
        self._count = 0
        self._news = Wakeup()

    def store(self, worker: str = "") -> StoreInMemory:
        return StoreInMemory(self, worker)

    def go_down(self) -> None:
        self.is_down = True
        self._news.wake()

    def come_up(self, *, empty: bool = False) -> None:
        """Let it be reached again, as one that has kept nothing, or everything."""
        self.is_down = False
        self.is_up_since = trio.current_time()
        if empty:
            for kept in (self.entries, self._new, self._pending, self._marks):
                kept.clear()

    def mark(self, name: str) -> Mark | None:
        mark, until = self._marks.get(name, (None, 0.0))
        return mark if trio.current_time() < until else None

    def set_mark(self, name: str, mark: Mark, seconds: float) -> None:
        self._marks[name] = (mark, trio.current_time() + seconds)

    def add(self, name: str, document: bytes) -> str:
        self._count += 1
        entry_id = f"{self._count}-0"
        self.entries[entry_id] = Entry(entry_id, name, document)
        self.documents.append(document)
        self._new.append(entry_id)
        self._news.wake()
        return entry_id

    async def take(self, worker: str) -> Entry:
        while not self._new:
            await self._news.wait()
            self.require()
        entry_id = self._new.pop(0)
        self._pending[entry_id] = _Pending(worker, trio.current_time())
        return self.entries[entry_id]

    def claim(self, worker: str, entry_id: str, least: float, heard_ago: float) -> bool:
        pending, now = self._pending.get(entry_id), trio.current_time()
        if pending is None or now - pending.heard_at < least:
            return False
        self._pending[entry_id] = _Pending(worker, now - heard_ago)
        return True

    def silent(self) -> list[SilentEntry]:
        now = trio.current_time()
        idle = [(entry_id, now - one.heard_at) for entry_id, one in self._pending.items()]
        return [SilentEntry(*one) for one in idle if one[1] >= LOST_SECONDS]

    def remove(self, entry_id: str) -> None:
        self.entries.pop(entry_id, None)
        self._pending.pop(entry_id, None)
        if entry_id in self._new:
            self._new.remove(entry_id)

    def require(self) -> None:
        if self.is_down:
            raise WSSFleetError("down")


class StoreInMemory:
    """A `DispatchStore` of such a queue."""

    def __init__(self, queue: QueueInMemory, worker: str) -> None:
        self._queue = queue
        self._worker = worker

    @property
    def is_up_since(self) -> float:
        return self._queue.is_up_since

    async def put(self, name: str, document: bytes, ring_seconds: float) -> str:
        await self._reach()
        if self._queue.mark(name) is None:
            self._queue.set_mark(name, WAITING, ring_seconds)
        return self._queue.add(name, document)

    async def marks(self, names: Sequence[str]) -> list[Mark | None]:
        await self._reach()
        return [self._queue.mark(name) for name in names]

    async def change(self, name: str, before: Mark, after: Mark) -> Mark | None:
        await self._reach()
        if self._queue.mark(name) in (before, after):
            self._queue.set_mark(name, after, KEPT_SECONDS)
        return self._queue.mark(name)

    async def finish(self, entry: Entry) -> None:
        await self._reach()
        self._queue.set_mark(entry.name, OPENED, KEPT_SECONDS)
        self._queue.remove(entry.entry_id)

    async def clear(self, entry_id: str) -> None:
        await self._reach()
        self._queue.remove(entry_id)

    async def read(self, within_seconds: float) -> Entry | None:
        await self._reach()
        with trio.move_on_after(within_seconds):
            return await self._queue.take(self._worker)
        return None

    async def silent(self) -> list[SilentEntry]:
        await self._reach()
        return self._queue.silent()

    async def look_at(self, entry_id: str) -> Entry | None:
        await self._reach()
        return self._queue.entries.get(entry_id)

    async def take_over(self, entry_id: str, idle_seconds: float) -> bool:
        await self._reach()
        return self._queue.claim(self._worker, entry_id, idle_seconds, 0)

    async def beat(self, entry_ids: Sequence[str]) -> None:
        await self._reach()
        for entry_id in entry_ids:
            self._queue.claim(self._worker, entry_id, 0, 0)

    async def give_back(self, entry_ids: Sequence[str]) -> None:
        await self._reach()
        for entry_id in entry_ids:
            self._queue.claim(self._worker, entry_id, 0, DOUBT_SECONDS)

    async def leave(self) -> None:
        await self._reach()

    async def forget_the_dead(self) -> None:
        await self._reach()

    async def _reach(self) -> None:
        await trio.lowlevel.checkpoint()
        self._queue.require()
