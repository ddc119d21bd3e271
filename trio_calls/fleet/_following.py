"""Following what happens to a call, from wherever Redis can be reached."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

from trio_calls.fleet._connection import ANSWER_SECONDS, answering
from trio_calls.fleet._events import LAST, CallEvent, CallEventKind
from trio_calls.fleet._keys import CALL_FIELD, events_key, worker_key
from trio_calls.state import CallState

if TYPE_CHECKING:
    from coredis import Redis

#: How long one read waits for something to come. After it, it is looked whether the worker lives.
BLOCK_SECONDS: Final = 1.0

_MS: Final = 1000


class CallEvents:
    """What happens to a call, from the oldest event that is kept on. Got from `Fleet.follow`.

    Iterate over it, once. It ends after the last event.

    Attributes:
      missed: how many events were lost so far, as nobody has kept them.
      unreadable: how many made no sense, and were left out.
    """

    def __init__(self, redis: Redis[bytes], call_id: str, worker_id: str | None) -> None:
        self.missed: int = 0
        self.unreadable: int = 0
        self._redis = redis
        self._call_id = call_id
        self._key = events_key(call_id)
        self._worker_id = worker_id
        self._position: Any = b"0"
        self._next_number = 0
        self._waiting: deque[CallEvent] = deque()
        self._last: CallEvent | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallEvent:
        """Return the next event.

        Raises:
          WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.

        Cancellation: no event is lost. Always a checkpoint, unless one is here already.
        """
        while not self._waiting:
            if self._last is not None and self._last.kind in LAST:
                raise StopAsyncIteration
            if await self._read() or await self._is_alive():
                continue
            # What the worker has said at last comes first.
            if not await self._read():
                self._waiting.append(self._gone())
        self._last = self._waiting.popleft()
        return self._last

    async def _read(self) -> bool:
        """Read what has come. Returns whether that was anything."""
        async with answering(BLOCK_SECONDS + ANSWER_SECONDS):
            found = await self._redis.xread(
                {self._key: self._position}, block=round(BLOCK_SECONDS * _MS)
            )
        entries = [entry for entries in (found or {}).values() for entry in entries]
        for entry in entries:
            self._position = entry.identifier
            self._take(entry.field_values)
        return bool(entries)

    def _take(self, fields: Any) -> None:
        try:
            event = CallEvent.decode(fields[b"event"])
        except (KeyError, ValueError):
            self.unreadable += 1
            return
        # What a worker is not sure to have written it writes again.
        if event.number >= self._next_number:
            self.missed += event.number - self._next_number
            self._next_number = event.number + 1
            self._waiting.append(event)

    async def _is_alive(self) -> bool:
        if self._worker_id is None:
            return False
        async with answering():
            return await self._redis.hexists(
                worker_key(self._worker_id), CALL_FIELD + self._call_id
            )

    def _gone(self) -> CallEvent:
        last = self._last
        return CallEvent(
            kind=CallEventKind.WORKER_GONE,
            number=self._next_number,
            seconds=0.0 if last is None else last.seconds,
            state=CallState.PENDING if last is None else last.state,
            mode=None if last is None else last.mode,
        )
