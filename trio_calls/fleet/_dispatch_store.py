"""What dispatchers and workers tell each other: a stream of calls, and a mark for each.

::

    trio-calls:dispatch:{QUEUE}          the stream; its group is called ``workers``
    trio-calls:dispatch:{QUEUE}:NAME     the mark of a call; gone when the time to ring is over

An entry has the name of a call, made up for it, and its document, encrypted. Nothing else of a call
is in Redis.

Each change of two things is one script, as nothing comes between its commands. An entry is taken
off the stream with its last mark, and never trimmed: coredis raises TypeError on what a group was
given and has lost, and a dispatcher may be slower than any length that one could guess.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from trio_calls.fleet._dispatch_marks import (
    DOUBT_SECONDS,
    KEPT_SECONDS,
    LOST_SECONDS,
    OPENED,
    WAITING,
    Mark,
)
from trio_calls.fleet._redis_link import RedisLink

if TYPE_CHECKING:
    from coredis import Redis

    _Command = Callable[[Redis[bytes]], Awaitable[Any]]

#: The queue of calls for which nobody has chosen one.
DEFAULT_QUEUE: Final = "calls"

_QUEUE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_GROUP: Final = "workers"
_PREFIX: Final = "trio-calls:dispatch"
_NAME: Final = re.compile(r"[0-9a-f]{8,64}", re.ASCII)

#: So many silent calls are looked at together.
_LOOK_AT: Final = 100
#: A worker that was killed leaves its name behind.
_DEAD_SECONDS: Final = 3600.0
#: Longer than this no document is: an address, a token, two numbers, and what encryption adds.
_MAX_DOCUMENT_BYTES: Final = 32_768

_PUT: Final = """
redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[4])
return redis.call('XADD', KEYS[1], '*', 'name', ARGV[1], 'document', ARGV[2])
"""
_CHANGE: Final = """
local found = redis.call('GET', KEYS[1])
if found == ARGV[1] or found == ARGV[2] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return ARGV[2]
end
return found
"""
_FINISH: Final = """
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('XACK', KEYS[1], ARGV[3], ARGV[4])
return redis.call('XDEL', KEYS[1], ARGV[4])
"""
_CLEAR: Final = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
"""


@attrs.frozen
class Entry:
    """A call on a stream.

    Attributes:
      entry_id: its place on the stream.
      name: of its mark.
      document: the encrypted hand-over.
    """

    entry_id: str
    name: str
    document: bytes = attrs.field(repr=False)


@attrs.frozen
class SilentEntry:
    """A call whose worker was not heard of for a while.

    Attributes:
      entry_id: its place on the stream.
      idle_seconds: how long ago that worker has last said that it has the call.
    """

    entry_id: str
    idle_seconds: float


class DispatchStore(Protocol):
    """The calls of one queue. Every method raises `WSSFleetError` where Redis cannot do it.

    Cancellation: of all of them: it may be done all the same.
    """

    @property
    def is_up_since(self) -> float:
        """When Redis was there again, in Trio's time; minus infinity if it always was."""
        ...

    async def put(self, name: str, document: bytes, ring_seconds: float) -> str:
        """Put a call on the stream, for so long. Returns the entry's id.

        Where it was put before, whoever is about to open it is not disturbed.
        """
        ...

    async def marks(self, names: Sequence[str]) -> list[Mark | None]:
        """Return the marks of some calls. One that cannot be read counts as none."""
        ...

    async def change(self, name: str, before: Mark, after: Mark) -> Mark | None:
        """Change a mark, unless it is another one than expected. Returns what is there now."""
        ...

    async def finish(self, entry: Entry) -> None:
        """Mark a call as opened, and take it off the stream."""
        ...

    async def clear(self, entry_id: str) -> None:
        """Take an entry off the stream."""
        ...

    async def read(self, within_seconds: float) -> Entry | None:
        """Take a call that nobody has taken before. None if there is none in that time."""
        ...

    async def silent(self) -> list[SilentEntry]:
        """Return the calls whose workers were not heard of for `LOST_SECONDS`, the oldest first."""
        ...

    async def look_at(self, entry_id: str) -> Entry | None:
        """Return a call without taking it; None if it is not there any more."""
        ...

    async def take_over(self, entry_id: str, idle_seconds: float) -> bool:
        """Take a call from a worker that was not heard of for so long. Returns whether it was."""
        ...

    async def beat(self, entry_ids: Sequence[str]) -> None:
        """Say that this worker is alive, and has these calls."""
        ...

    async def give_back(self, entry_ids: Sequence[str]) -> None:
        """Let others take calls at once that this worker has."""
        ...

    async def leave(self) -> None:
        """Forget this worker, if it has no calls."""
        ...

    async def forget_the_dead(self) -> None:
        """Forget workers that have no calls, and have asked for none for `_DEAD_SECONDS`."""
        ...


class RedisStore:
    """A `DispatchStore` in Redis or Valkey.

    Args:
      link: leads to it.
      queue: the name of the queue.
      worker: the name of this worker; empty for a dispatcher.
    """

    def __init__(self, link: RedisLink, queue: str, worker: str = "") -> None:
        self._link = link
        self._stream = f"{_PREFIX}:{{{queue}}}"
        self._worker = worker

    @property
    def is_up_since(self) -> float:
        """When Redis was there again. See `DispatchStore`."""
        return self._link.is_up_since

    async def put(self, name: str, document: bytes, ring_seconds: float) -> str:
        """Put a call on the stream. See `DispatchStore`."""
        arguments = [name, document, WAITING.encode(), _milliseconds(ring_seconds)]
        return _text(await self._run(_PUT, [self._stream, self._key(name)], arguments))

    async def marks(self, names: Sequence[str]) -> list[Mark | None]:
        """Return the marks of some calls. See `DispatchStore`."""
        keys = [self._key(name) for name in names]
        found = await self._link.call(lambda redis: redis.mget(keys))
        return [_mark(text) for text in found]

    async def change(self, name: str, before: Mark, after: Mark) -> Mark | None:
        """Change a mark. See `DispatchStore`."""
        arguments = [before.encode(), after.encode(), _milliseconds(KEPT_SECONDS)]
        return _mark(await self._run(_CHANGE, [self._key(name)], arguments))

    async def finish(self, entry: Entry) -> None:
        """Mark a call as opened, and take it off the stream. See `DispatchStore`."""
        arguments = [OPENED.encode(), _milliseconds(KEPT_SECONDS), _GROUP, entry.entry_id]
        await self._run(_FINISH, [self._stream, self._key(entry.name)], arguments)

    async def clear(self, entry_id: str) -> None:
        """Take an entry off the stream. See `DispatchStore`."""
        await self._run(_CLEAR, [self._stream], [_GROUP, entry_id])

    async def read(self, within_seconds: float) -> Entry | None:
        """Take a call that nobody has taken before. See `DispatchStore`."""
        found = await self._in_group(
            lambda redis: redis.xreadgroup(
                _GROUP,
                self._worker,
                {self._stream: ">"},
                count=1,
                block=_milliseconds(within_seconds),
            ).raw(),
            within_seconds,
        )
        entries = next(iter(found.values())) if found else []
        return await self._entry(entries)

    async def silent(self) -> list[SilentEntry]:
        """Return the calls whose workers are silent. See `DispatchStore`."""
        found = await self._in_group(
            lambda redis: redis.xpending(
                self._stream,
                _GROUP,
                start="-",
                end="+",
                count=_LOOK_AT,
                idle=_milliseconds(LOST_SECONDS),
            ).raw()
        )
        return [SilentEntry(_text(entry[0]), int(entry[2]) / 1000) for entry in found]

    async def look_at(self, entry_id: str) -> Entry | None:
        """Return a call without taking it. See `DispatchStore`."""
        found = await self._link.call(
            lambda redis: redis.xrange(self._stream, start=entry_id, end=entry_id).raw()
        )
        return await self._entry(found)

    async def take_over(self, entry_id: str, idle_seconds: float) -> bool:
        """Take a call from a worker that is silent. See `DispatchStore`."""
        return bool(await self._claim([entry_id], min_idle_time=_milliseconds(idle_seconds)))

    async def beat(self, entry_ids: Sequence[str]) -> None:
        """Say that this worker is alive. See `DispatchStore`."""
        await self._claim(entry_ids)

    async def give_back(self, entry_ids: Sequence[str]) -> None:
        """Let others take calls at once. See `DispatchStore`."""
        await self._claim(entry_ids, idle=_milliseconds(DOUBT_SECONDS))

    async def leave(self) -> None:
        """Forget this worker, if it has no calls. See `DispatchStore`."""
        # What is pending would be lost with it.
        pending = await self._in_group(
            lambda redis: redis.xpending(
                self._stream, _GROUP, start="-", end="+", count=1, consumer=self._worker
            ).raw()
        )
        if not pending:
            await self._forget(self._worker)

    async def forget_the_dead(self) -> None:
        """Forget workers that are dead. See `DispatchStore`."""
        if not await self._link.call(lambda redis: redis.exists([self._stream])):
            # Nobody was here. XINFO would say "no such key", which is no word about a group.
            return
        workers = await self._in_group(
            lambda redis: redis.xinfo_consumers(self._stream, _GROUP).raw()
        )
        for worker in workers:
            # One that lives after all is known again when it asks for a call.
            if not worker[b"pending"] and worker[b"idle"] >= _milliseconds(_DEAD_SECONDS):
                await self._forget(worker[b"name"])

    async def _forget(self, worker: str | bytes) -> None:
        await self._in_group(lambda redis: redis.xgroup_delconsumer(self._stream, _GROUP, worker))

    async def _claim(self, entry_ids: Sequence[str], **options: Any) -> Any:
        claiming = {"min_idle_time": 0, "justid": True, **options}
        return await self._in_group(
            lambda redis: redis.xclaim(
                self._stream, _GROUP, self._worker, identifiers=list(entry_ids), **claiming
            ).raw()
        )

    async def _entry(self, entries: Any) -> Entry | None:
        """Read an entry. One that makes no sense is taken off the stream."""
        if not entries:
            return None
        identifier, fields = entries[0][0], entries[0][1]
        pairs = dict(zip(fields[::2], fields[1::2], strict=True)) if fields else {}
        name, document = _text(pairs.get(b"name", b"")), pairs.get(b"document", b"")
        if _NAME.fullmatch(name) and 0 < len(document) <= _MAX_DOCUMENT_BYTES:
            return Entry(_text(identifier), name, document)
        await self.clear(_text(identifier))
        return None

    async def _in_group(self, command: _Command, within_seconds: float = 0) -> Any:
        """Run a command that needs the group, which is made where there is none."""
        from coredis import exceptions  # noqa: PLC0415  # needs the extra

        async def run(redis: Redis[bytes]) -> Any:
            with suppress(exceptions.StreamConsumerGroupError):
                return await command(redis)
            # Another worker may be faster.
            with suppress(exceptions.StreamDuplicateConsumerGroupError):
                # From the beginning: some of the calls that are there already may still ring.
                await redis.xgroup_create(self._stream, _GROUP, "0", mkstream=True)
            return await command(redis)

        return await self._link.call(run, within_seconds)

    async def _run(self, script: str, keys: Iterable[str], arguments: Iterable[Any]) -> Any:
        return await self._link.call(
            lambda redis: redis.eval(script, keys=list(keys), args=list(arguments))
        )

    def _key(self, name: str) -> str:
        return f"{self._stream}:{name}"


def check_queue(queue: object) -> str:
    """Return the name of a queue.

    Raises:
      ValueError: that is none.
    """
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise ValueError("the name of a queue is 1 to 64 letters, digits, dots, dashes or _")
    return queue


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _mark(text: Any) -> Mark | None:
    try:
        return None if text is None else Mark.decode(_text(text))
    except ValueError:
        return None
