"""Writing a worker's entries into Redis, by one connection, for as long as that holds.

Everything is written to begin with, and then what changes. A worker has one hash, with one expiry:
to renew it takes one command, however many calls there are. So a lease may be short.

A server whose memory is full refuses what is new, and does all else. It is tried again with each
renewal, until all of it is there; meanwhile the worker's entry says that it is not whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import trio

from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.fleet._changes import Batch
from trio_calls.fleet._clock import SharedClock
from trio_calls.fleet._connection import answering, explain, is_full
from trio_calls.fleet._keys import (
    CALL_FIELD,
    WHOLE_FIELD,
    WORKER_FIELD,
    WORKERS,
    answers_key,
    events_key,
    worker_key,
)
from trio_calls.fleet._watch import ClientWatch

if TYPE_CHECKING:
    from coredis import Redis
    from coredis.patterns.pipeline import Pipeline

#: So many events of a call are kept, and for so long after the last of them.
KEPT_EVENTS: Final = 200
EVENTS_MS: Final = 10 * 60 * 1000

#: How long the answers to an order are kept.
ANSWERS_MS: Final = 60 * 1000

#: Changes that come within such a time are written together.
GATHERING_SECONDS: Final = 0.05

#: How long the last words of a worker may take.
GOODBYE_SECONDS: Final = 1.0

#: A lease is renewed so often before it ends.
_RENEWALS: Final = 3

_MS: Final = 1000


class EntryWriter:
    """Writes the entries of one worker by one connection.

    Args:
      redis: the connection.
      clock: that of this server.
      worker_id: whose entries they are.
      watch: knows what there is to write.
      lease_seconds: for how long they hold.
    """

    def __init__(
        self,
        redis: Redis[bytes],
        clock: SharedClock,
        worker_id: str,
        watch: ClientWatch,
        lease_seconds: float,
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._worker_id = worker_id
        self._key = worker_key(worker_id)
        self._watch = watch
        self._changes = watch.changes
        self._lease_ms = round(lease_seconds * _MS)
        self._renewal_seconds = lease_seconds / _RENEWALS

    async def keep(self, news: Wakeup, on_written: Callable[[bool], None]) -> None:
        """Write what changes, and renew the lease, until something goes wrong.

        Args:
          news: wakes up whoever waits for changes.
          on_written: is told each time whether all of it is there; false where Redis is full.

        Raises:
          WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.

        Cancellation: what was being written is there or not.
        """
        self._changes.add_all()
        while True:
            is_whole = await self._write()
            on_written(is_whole)
            await trio.sleep(min(GATHERING_SECONDS, self._renewal_seconds))
            with trio.move_on_after(self._renewal_seconds):
                # Where there is no room, news would only be refused more often.
                while not (is_whole and self._changes):
                    await news.wait()

    async def say_goodbye(self) -> None:
        """Take everything of the worker away, after its last words, within `GOODBYE_SECONDS`.

        Raises:
          WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.
        """
        async with answering(GOODBYE_SECONDS):
            batch = self._changes.take()
            async with self._pipeline() as pipe:
                _add_words(pipe, self._worker_id, batch)
                pipe.delete([self._key])
                pipe.srem(WORKERS, [self._worker_id])
            while batch.has_more:
                batch = self._changes.take()
                async with self._pipeline() as pipe:
                    _add_words(pipe, self._worker_id, batch)

    async def _write(self) -> bool:
        """Write what has changed, in pieces. Returns whether Redis has taken all of it."""
        is_done = has_more = True
        while is_done and has_more:
            batch = self._changes.take()
            is_done, has_more = False, batch.has_more
            try:
                is_done = await self._write_batch(batch)
            finally:
                if not is_done:
                    self._changes.give_back(batch)
        return is_done

    async def _write_batch(self, batch: Batch) -> bool:
        call_ids, gone = batch.call_ids, frozenset[str]()
        if batch.is_all:
            call_ids = self._watch.call_ids
            gone = await self._find_others(call_ids)
        records = {call_id: self._watch.record(call_id, self._clock) for call_id in call_ids}
        fields: dict[str | bytes, bytes] = {
            CALL_FIELD + call_id: record.encode()
            for call_id, record in records.items()
            if record is not None
        }
        if batch.is_all:
            fields[WHOLE_FIELD] = b"1"
        gone |= {call_id for call_id, record in records.items() if record is None}
        async with answering():
            async with self._pipeline() as pipe:
                was_there = pipe.hexists(self._key, WORKER_FIELD)
                pipe.hset(
                    self._key, {WORKER_FIELD: self._watch.worker_record(self._clock).encode()}
                )
                if fields:
                    pipe.hset(self._key, fields)
                if gone:
                    pipe.hdel(self._key, [CALL_FIELD + call_id for call_id in gone])
                _add_words(pipe, self._worker_id, batch)
                pipe.pexpire(self._key, self._lease_ms)
                pipe.sadd(WORKERS, [self._worker_id])
            is_whole = self._check(pipe.results or ())
            if is_whole and not batch.is_all and not await was_there:
                # Somebody has emptied the server, or the lease had ended.
                return await self._write_batch(_everything(batch))
            if not is_whole:
                # To take something away needs no room.
                await self._redis.hdel(self._key, [WHOLE_FIELD])
        return is_whole

    async def _find_others(self, call_ids: frozenset[str]) -> frozenset[str]:
        """Return the calls in the worker's hash that are none any more."""
        async with answering():
            found = await self._redis.hkeys(self._key)
        prefix = CALL_FIELD.encode()
        written = {field[len(prefix) :] for field in found if field.startswith(prefix)}
        return frozenset(each.decode(errors="replace") for each in written) - call_ids

    def _check(self, results: Iterable[Any]) -> bool:
        """Return whether all was done, or false where Redis is full. Raises what else is wrong."""
        errors = [result for result in results if isinstance(result, Exception)]
        for error in errors:
            if not is_full(error):
                raise explain(error) or error
        return not errors

    def _pipeline(self) -> Pipeline[bytes]:
        # An error that it raises would quote all that was sent.
        return self._redis.pipeline(transaction=False, raise_on_error=False)


def _everything(batch: Batch) -> Batch:
    """Return what is left to be written where the server has lost all, and has the words anew."""
    return Batch(is_all=True, call_ids=batch.call_ids)


def _add_words(pipe: Pipeline[bytes], worker_id: str, batch: Batch) -> None:
    """Add events and answers to what is written."""
    from coredis.tokens import PureToken  # noqa: PLC0415  # needs the extra

    for call_id, event in batch.events:
        pipe.xadd(
            events_key(call_id),
            {"event": event.encode(), "worker": worker_id},
            trim_strategy=PureToken.MAXLEN,
            trim_operator=PureToken.APPROXIMATELY,
            threshold=KEPT_EVENTS,
        )
    for call_id in {call_id for call_id, _ in batch.events}:
        pipe.pexpire(events_key(call_id), EVENTS_MS)
    for order_id, answer in batch.answers:
        pipe.xadd(answers_key(order_id), {"answer": answer.encode()})
        pipe.pexpire(answers_key(order_id), ANSWERS_MS)
