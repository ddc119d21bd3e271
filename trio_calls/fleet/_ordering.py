"""Asking a worker to do something, and waiting for what it says."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import trio

from trio_calls.fleet._clock import read_clock
from trio_calls.fleet._connection import ANSWER_SECONDS, answering
from trio_calls.fleet._errors import NoSuchCallError, OrderFailedError, WorkerSilentError
from trio_calls.fleet._keys import answers_key, orders_key, sound_key, worker_key
from trio_calls.fleet._orders import Answer, AnswerKind, Order, OrderKind

if TYPE_CHECKING:
    from coredis import Redis

#: How long a worker that has got an order may take for it, beside the time that sound lasts.
WORK_SECONDS: Final = 60.0

#: How long it may take to send a recording to Redis.
_SEND_SECONDS: Final = 15.0

#: How long one read waits for an answer. After it, it is looked whether the worker lives.
_BLOCK_SECONDS: Final = 1.0

_MS: Final = 1000


async def give_order(
    redis: Redis[bytes],
    worker_id: str,
    kind: OrderKind,
    within_seconds: float,
    call_id: str | None = None,
    *,
    sound: bytes = b"",
    takes_seconds: float = 0.0,
) -> Answer:
    """Ask a worker to do something, and wait until it has.

    Args:
      redis: the connection.
      worker_id: who is asked.
      kind: what for.
      within_seconds: how long the worker may take to say that it has got it.
      call_id: the call that it is about.
      sound: what is to be whispered.
      takes_seconds: how long that lasts.

    Raises:
      NoSuchCallError, OrderFailedError: the worker says so.
      WorkerSilentError: it has not said anything in time, or is gone.
      WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.

    Cancellation: the worker may do it all the same.
    """
    clock = await read_clock(redis)
    # Redis keeps nothing for less than that.
    order_id, kept_ms = secrets.token_hex(16), max(1, round(within_seconds * _MS))
    if sound:
        async with answering(_SEND_SECONDS):
            await redis.set(sound_key(order_id), sound, px=kept_ms)
    # The time counts from here: to send a recording may take longer than that.
    order = Order(
        order_id=order_id, kind=kind, expires_ms=clock.now_ms() + kept_ms, call_id=call_id
    )
    async with answering():
        await redis.xadd(orders_key(worker_id), {"order": order.encode()})
        await redis.pexpire(orders_key(worker_id), kept_ms)
    return await _wait_for_the_end(redis, worker_id, order, within_seconds, takes_seconds)


async def _wait_for_the_end(
    redis: Redis[bytes], worker_id: str, order: Order, within_seconds: float, takes_seconds: float
) -> Answer:
    position: Any = b"0"
    deadline = trio.current_time() + within_seconds
    while (left := deadline - trio.current_time()) > 0:
        block_seconds = min(left, _BLOCK_SECONDS)
        async with answering(block_seconds + ANSWER_SECONDS):
            found = await redis.xread(
                {answers_key(order.order_id): position}, block=max(1, round(block_seconds * _MS))
            )
        for entry in (entry for entries in (found or {}).values() for entry in entries):
            position = entry.identifier
            answer = _answer_in(entry.field_values)
            if answer.kind is not AnswerKind.WORKING:
                return _check(answer)
            deadline = trio.current_time() + WORK_SECONDS + takes_seconds
        if not found and not await _is_there(redis, worker_id):
            raise WorkerSilentError("the worker is gone")
    raise WorkerSilentError(f"the worker has not answered within {within_seconds:g} s")


def _answer_in(fields: Any) -> Answer:
    try:
        return Answer.decode(fields[b"answer"])
    except (KeyError, ValueError):
        raise OrderFailedError("the worker's answer makes no sense") from None


async def _is_there(redis: Redis[bytes], worker_id: str) -> bool:
    async with answering():
        return bool(await redis.exists([worker_key(worker_id)]))


def _check(answer: Answer) -> Answer:
    """Return an answer, or raise what it says."""
    match answer.kind:
        case AnswerKind.NO_CALL:
            raise NoSuchCallError("the call is over")
        case AnswerKind.FAILED:
            raise OrderFailedError(answer.detail or "the worker could not do it")
        case _:
            return answer
