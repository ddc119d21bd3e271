"""The clock that all machines of a fleet share: that of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from trio_calls.fleet._connection import answering

if TYPE_CHECKING:
    from coredis import Redis

_MS: Final = 1000


@attrs.frozen
class SharedClock:
    """Tells Trio's time on the clock of Redis, as it was read once.

    Attributes:
      offset_ms: what is to be added to Trio's time.
    """

    offset_ms: float

    def to_ms(self, trio_time: float) -> int:
        """Return a time of Trio's in milliseconds on the clock of Redis."""
        return max(0, round(trio_time * _MS + self.offset_ms))

    def now_ms(self) -> int:
        """Return the present time in milliseconds on the clock of Redis."""
        return self.to_ms(trio.current_time())


async def read_clock(redis: Redis[bytes]) -> SharedClock:
    """Ask Redis for the time.

    Raises:
      WSSFleetError: Redis cannot be reached, does not answer in time, or refuses.
    """
    async with answering():
        # Its own method is up to a second early: see findings/coredis-time-in-the-second.sh.
        now_ms = await redis.create_request(b"TIME", callback=_to_ms)
    return SharedClock(now_ms - trio.current_time() * _MS)


def _to_ms(answer: Any, **_: Any) -> int:
    seconds, microseconds = map(int, answer)
    return seconds * _MS + microseconds // _MS
