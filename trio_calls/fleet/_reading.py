"""Reading what a worker is asked to do, by one connection, for as long as that holds.

A read that blocks may be cancelled, or lose its connection, and then nobody knows what it has
taken. So nothing is taken: the stream is read from where it was read to, and from its beginning by
the next connection. What was carried out before is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trio_calls._logging import get_logger
from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio_format import SAMPLE_RATES
from trio_calls.fleet._clock import SharedClock
from trio_calls.fleet._connection import ANSWER_SECONDS, answering
from trio_calls.fleet._keys import orders_key, sound_key
from trio_calls.fleet._obeying import Obedience
from trio_calls.fleet._orders import MAX_WHISPER_SECONDS, Order, OrderKind

if TYPE_CHECKING:
    from coredis import Redis

logger = get_logger("trio_calls.fleet")

#: How long one read waits for something to come.
BLOCK_SECONDS: Final = 2.0

#: One sample more than may be whispered at any rate.
_MOST_SOUND_BYTES: Final = round(MAX_WHISPER_SECONDS * max(SAMPLE_RATES) + 1) * SAMPLE_BYTES

_AT_ONCE: Final = 16
_MS: Final = 1000


async def read_orders(
    redis: Redis[bytes], clock: SharedClock, worker_id: str, obedience: Obedience
) -> None:
    """Read orders, and have them carried out, until something goes wrong.

    Raises:
      WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.

    Cancellation: what was read is carried out.
    """
    key = orders_key(worker_id)
    position: Any = b"0"
    while True:
        async with answering(BLOCK_SECONDS + ANSWER_SECONDS):
            found = await redis.xread(
                {key: position}, count=_AT_ONCE, block=round(BLOCK_SECONDS * _MS)
            )
        for entry in (entry for entries in (found or {}).values() for entry in entries):
            position = entry.identifier
            order = _order_in(entry.field_values)
            if order is not None and obedience.is_new(order, clock.now_ms()):
                obedience.carry_out(order, await _fetch_sound(redis, order))


def _order_in(fields: Any) -> Order | None:
    try:
        return Order.decode(fields[b"order"])
    except (KeyError, ValueError) as error:
        logger.debug("what was asked of this worker makes no sense: %s", error)
        return None


async def _fetch_sound(redis: Redis[bytes], order: Order) -> bytes:
    """Return what is to be whispered, or too much of it; nothing if it is gone."""
    if order.kind is not OrderKind.WHISPER:
        return b""
    async with answering():
        sound = await redis.getrange(sound_key(order.order_id), 0, _MOST_SOUND_BYTES)
        await redis.delete([sound_key(order.order_id)])
    return sound or b""
