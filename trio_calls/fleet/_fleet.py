"""`Fleet`: what can be seen and done from anywhere where Redis can be reached."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio

from trio_calls.audio import Resampler, duration_seconds, read_wav
from trio_calls.audio._as_bytes import as_bytes
from trio_calls.config import is_number
from trio_calls.fleet._clock import read_clock
from trio_calls.fleet._connection import (
    RedisUrl,
    answering,
    concealed,
    explain,
    is_of_wrong_type,
    open_connection,
)
from trio_calls.fleet._entries import (
    CallEntry,
    CallRecord,
    FleetView,
    WorkerEntry,
    WorkerRecord,
    call_entry,
    worker_entry,
)
from trio_calls.fleet._errors import NoSuchCallError, NoSuchWorkerError
from trio_calls.fleet._following import CallEvents
from trio_calls.fleet._keys import (
    CALL_FIELD,
    WHOLE_FIELD,
    WORKER_FIELD,
    WORKERS,
    events_key,
    is_worker_id,
    worker_key,
)
from trio_calls.fleet._ordering import give_order
from trio_calls.fleet._orders import MAX_WHISPER_SECONDS, OrderKind
from trio_calls.state import CallState

if TYPE_CHECKING:
    from coredis import Redis

    from trio_calls.audio._as_bytes import Pcm


_NO_SUCH_CALL: Final = "no worker of the fleet has such a call"

#: How long a worker may be given at the most to say that it has got an order.
LONGEST_WAIT_SECONDS: Final = 3600.0


class Fleet:
    """All workers that tell one Redis of their calls, by `open_directory`.

    ::

        fleet = Fleet(os.environ["WSS_REDIS_URL"])
        for call in (await fleet.view()).calls:
            print(call.worker_id, call.call_id, call.state.name)

    It holds no connection: each method makes one, and closes it.

    Args:
      url: of Redis, as for `open_directory`. It is a secret, and not shown.
      within_seconds: how long a worker may take to say that it has got an order.

    Raises:
      WSSConfigError: the URL is none.
      ValueError: the number of seconds is none, or not more than 0.
      ModuleNotFoundError: the extra ``trio-calls[fleet]`` is not installed.
    """

    def __init__(self, url: str, *, within_seconds: float = 5.0) -> None:
        url = concealed(url)
        if not is_number(within_seconds, 0, LONGEST_WAIT_SECONDS) or not within_seconds:
            raise ValueError(
                f"within_seconds must be a number above 0, and not above {LONGEST_WAIT_SECONDS:g}, "
                f"not {within_seconds!r}"
            )
        self._url = RedisUrl(url)
        self._within_seconds = within_seconds

    def __repr__(self) -> str:
        return "<Fleet>"

    async def view(self) -> FleetView:
        """Return all workers, and all their calls, as Redis has them now.

        Raises:
          FleetUnavailableError: Redis cannot be reached, or does not answer within 2 s.
          FleetPasswordError: it does not accept the password.

        Cancellation: nothing has changed.
        """
        async with open_connection(self._url) as redis:
            clock = await read_clock(redis)
            worker_ids = await _worker_ids(redis)
            async with _questions(redis) as (pipe, answers):
                for worker_id in worker_ids:
                    pipe.hgetall(worker_key(worker_id))
                    pipe.pttl(worker_key(worker_id))
            await _forget(redis, worker_ids, answers[::2])
        collector = _Collector(clock.now_ms())
        for worker_id, fields, left_ms in zip(worker_ids, answers[::2], answers[1::2], strict=True):
            collector.add(worker_id, fields, left_ms)
        return collector.view()

    @asynccontextmanager
    async def follow(self, call_id: str) -> AsyncIterator[CallEvents]:
        """Follow what happens to a call, and what has happened to it already.

        ::

            async with fleet.follow(call_id) as events:
                async for event in events:
                    print(event.kind.value, event.state.name)

        Calls that ended within the last ten minutes can be followed, too.

        Raises:
          NoSuchCallError: nobody has such a call, or has had it within ten minutes.
          FleetUnavailableError: Redis cannot be reached, or does not answer within 2 s; also while
            events are awaited.
          FleetPasswordError: it does not accept the password.

        Cancellation: nothing has changed.
        """
        async with open_connection(self._url) as redis:
            found = await _find(redis, call_id)
            if found is None:
                async with answering():
                    is_known = await redis.exists([events_key(call_id)])
                if not is_known:
                    raise NoSuchCallError(_NO_SUCH_CALL)
            yield CallEvents(redis, call_id, found and found[0])

    async def close(self, call_id: str) -> None:
        """Let the agent leave a call, as `ActiveCall.close` does; return when it has.

        A call that is ringing goes on ringing, and may be offered to another worker.

        Raises:
          NoSuchCallError: nobody has such a call, or it is over.
          WorkerSilentError: its worker has not said within ``within_seconds`` that it has got this,
            or what has come of it. It may do it all the same.
          OrderFailedError: the exchange has refused.
          FleetUnavailableError, FleetPasswordError: as `view`.

        Cancellation: the worker may do it all the same.
        """
        async with open_connection(self._url) as redis:
            worker_id, _ = await _find_or_raise(redis, call_id)
            await give_order(redis, worker_id, OrderKind.CLOSE, self._within_seconds, call_id)

    async def whisper(
        self,
        call_id: str,
        recording: Pcm | os.PathLike[str],
        *,
        sample_rate: int | None = None,
    ) -> None:
        """Play a recording to the callee of a conference, and to nobody else; return when it was.

        Who hears the agent is as before then. What the agent is saying comes first.

        Args:
          call_id: a call that is CONNECTED.
          recording: the `pathlib.Path` of a WAV file; or PCM, mono signed 16-bit little-endian. It
            may last 60 s at the most.
          sample_rate: of the PCM, in Hz; that of the call if None. Other rates are converted, which
            needs the extra ``trio-calls[voice]``.

        Raises:
          NoSuchCallError, WorkerSilentError, FleetUnavailableError, FleetPasswordError: as `close`.
          OrderFailedError: the call is not CONNECTED, it has ended meanwhile, or the exchange has
            refused.
          OSError: the file cannot be read.
          TypeError, ValueError: there is no such recording; or it is empty or too long.

        Cancellation: the worker may do it all the same.
        """
        async with open_connection(self._url) as redis:
            worker_id, call = await _find_or_raise(redis, call_id)
            pcm = await _sound_of(recording, sample_rate, call.sample_rate)
            await give_order(
                redis,
                worker_id,
                OrderKind.WHISPER,
                self._within_seconds,
                call_id,
                sound=pcm,
                takes_seconds=_seconds_of(pcm, call.sample_rate),
            )

    async def drain(self, worker_id: str) -> int:
        """Let a worker take no more calls, for good; return at once.

        One of ``trio-calls run`` ends when those in progress are over, as after SIGTERM. What
        another program does then it says by `open_directory`.

        Returns:
          How many calls are in progress.

        Raises:
          NoSuchWorkerError: there is none, or it is gone.
          WorkerSilentError, FleetUnavailableError, FleetPasswordError: as `close`.

        Cancellation: the worker may do it all the same.
        """
        async with open_connection(self._url) as redis:
            async with answering():
                is_there = is_worker_id(worker_id) and await redis.exists([worker_key(worker_id)])
            if not is_there:
                raise NoSuchWorkerError("the fleet has no such worker")
            answer = await give_order(redis, worker_id, OrderKind.DRAIN, self._within_seconds)
        return answer.calls


class _Collector:
    """Makes a view of what Redis has.

    Args:
      now_ms: the time on its clock.
    """

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._workers: list[WorkerEntry] = []
        self._calls: list[CallEntry] = []
        self._unreadable = 0

    def add(self, worker_id: str, fields: dict[bytes, bytes] | None, left_ms: int) -> None:
        """Add a worker's hash. An empty one is of a worker that is gone; None: it is no hash."""
        if fields is None:
            self._unreadable += 1
            return
        prefix = CALL_FIELD.encode()
        calls: list[CallEntry] = []
        for field, value in fields.items():
            try:
                if field == WORKER_FIELD.encode():
                    self._workers.append(
                        worker_entry(
                            worker_id,
                            WorkerRecord.decode(value),
                            self._now_ms,
                            left_ms=left_ms,
                            is_whole=WHOLE_FIELD.encode() in fields,
                        )
                    )
                elif field.startswith(prefix):
                    call_id = field[len(prefix) :].decode()
                    record = CallRecord.decode(value)
                    calls.append(call_entry(call_id, worker_id, record, self._now_ms))
            except ValueError:
                self._unreadable += 1
        self._calls += sorted(calls, key=lambda call: (-call.seconds, call.call_id))

    def view(self) -> FleetView:
        """Return the view."""
        return FleetView(tuple(self._workers), tuple(self._calls), self._unreadable)


@asynccontextmanager
async def _questions(redis: Redis[bytes]) -> AsyncIterator[tuple[Any, list[Any]]]:
    """Ask many things at once. The answers are there after the block.

    The answer is None where there is something else under a name than was asked for.

    Raises:
      WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.
    """
    answers: list[Any] = []
    async with answering():
        # An error that it raises would quote all that was sent.
        async with redis.pipeline(transaction=False, raise_on_error=False) as pipe:
            yield pipe, answers
        answers += pipe.results or ()
    for place, answer in enumerate(answers):
        if is_of_wrong_type(answer):
            answers[place] = None
        elif isinstance(answer, Exception):
            raise explain(answer) or answer


async def _worker_ids(redis: Redis[bytes]) -> list[str]:
    async with answering():
        found = await redis.smembers(WORKERS)
    names = (each.decode(errors="replace") for each in found)
    return sorted(filter(is_worker_id, names))


async def _forget(redis: Redis[bytes], worker_ids: Sequence[str], found: Iterable[Any]) -> None:
    """Forget the names of workers that are gone. One that is not says its name again."""
    gone = [worker_id for worker_id, fields in zip(worker_ids, found, strict=True) if fields == {}]
    if gone:
        async with answering():
            await redis.srem(WORKERS, gone)


async def _find(redis: Redis[bytes], call_id: str) -> tuple[str, CallRecord] | None:
    """Return the worker that has a call, and the call; None if nobody has it.

    One that was handed over is that of whoever has it now, for whom it is not over.
    """
    worker_ids = await _worker_ids(redis)
    async with _questions(redis) as (pipe, answers):
        for worker_id in worker_ids:
            pipe.hget(worker_key(worker_id), CALL_FIELD + call_id)
    found: tuple[str, CallRecord] | None = None
    for worker_id, value in zip(worker_ids, answers, strict=True):
        with suppress(ValueError):
            if value is not None and (found is None or found[1].state is CallState.DISCONNECTED):
                found = worker_id, CallRecord.decode(value)
    return found


async def _find_or_raise(redis: Redis[bytes], call_id: str) -> tuple[str, CallRecord]:
    found = await _find(redis, call_id)
    if found is None:
        raise NoSuchCallError(_NO_SUCH_CALL)
    return found


async def _sound_of(
    recording: Pcm | os.PathLike[str], sample_rate: int | None, call_rate: int
) -> bytes:
    """Return a recording at the call's rate, if it may be whispered."""
    if isinstance(recording, os.PathLike):
        read = partial(read_wav, recording, call_rate)
        pcm = await trio.to_thread.run_sync(read, abandon_on_cancel=True)
    else:
        pcm = bytes(as_bytes(recording))
        if sample_rate not in (None, call_rate):
            resampler = Resampler(sample_rate, call_rate, "recording")
            pcm = resampler.feed(pcm) + resampler.finish()
    if not 0 < _seconds_of(pcm, call_rate) <= MAX_WHISPER_SECONDS:
        raise ValueError(
            f"a recording must last at most {MAX_WHISPER_SECONDS:g} s, and not nothing"
        )
    return pcm


def _seconds_of(pcm: bytes, sample_rate: int) -> float:
    return duration_seconds(len(pcm), sample_rate)
