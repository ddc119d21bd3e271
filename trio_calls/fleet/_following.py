"""Following what happens to a call, from wherever Redis can be reached."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

import trio

from trio_calls.fleet._connection import answering
from trio_calls.fleet._events import LAST, CallEvent, CallEventKind
from trio_calls.fleet._keys import CALL_FIELD, events_key, worker_key
from trio_calls.state import CallState

if TYPE_CHECKING:
    from coredis import Redis

#: It is looked so often. A read that blocks would cost the client a connection for good each time
#: that whoever follows is cancelled, as by a deadline of their own.
LOOK_SECONDS: Final = 0.2


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
        # By worker: the number of the event that it tells next.
        self._next_numbers: dict[str, int] = {}
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
        while not self._waiting and not await self._read():
            if self._last is not None and self._last.kind in LAST:
                raise StopAsyncIteration
            if await self._is_alive():
                await trio.sleep(LOOK_SECONDS)
            elif not await self._read():
                # It has said nothing at last.
                self._waiting.append(self._gone())
        self._last = self._waiting.popleft()
        self._worker_id = self._last.worker_id
        return self._last

    async def _read(self) -> bool:
        """Read what has come. Returns whether that was anything."""
        async with answering():
            found = await self._redis.xread({self._key: self._position})
        for entry in (entry for entries in (found or {}).values() for entry in entries):
            self._position = entry.identifier
            self._take(entry.field_values)
        return bool(self._waiting)

    def _take(self, fields: Any) -> None:
        try:
            event = CallEvent.decode(fields[b"event"], fields[b"worker"].decode())
        except (KeyError, ValueError):
            self.unreadable += 1
            return
        number = self._next_numbers.get(event.worker_id, 0)
        # What a worker is not sure to have written it writes again.
        if event.number >= number:
            self.missed += event.number - number
            self._next_numbers[event.worker_id] = event.number + 1
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
            number=0 if last is None else last.number + 1,
            seconds=0.0 if last is None else last.seconds,
            state=CallState.PENDING if last is None else last.state,
            mode=None if last is None else last.mode,
            worker_id=self._worker_id or "",
        )
