"""The clock to which a call's audio moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from trio_calls.audio import FRAME_SECONDS

#: Seconds from tick to tick. What people do, they do after round numbers of seconds, or so many
#: frames after another tick. The nanosecond keeps the ticks out of these instants, in which Trio
#: would pick at random who comes first: what is said at such an instant is always in the frame of
#: the tick that follows at once. In a day's call that makes a delay of 4 ms.
TICK_SECONDS: Final = FRAME_SECONDS + 1e-9


async def run_media_clock(started_at: float, tick: Callable[[], bool]) -> None:
    """Call `tick` every 20 ms, from 20 ms after `started_at`, until it returns False.

    The schedule is absolute: a late tick does not delay those after it. But where the whole process
    was held up for longer than a frame, the call's time stops rather than being made up
    for in a burst, which would leave no agent the time to answer each tick.

    Args:
      started_at: by `trio.current_time`, in seconds.
      tick: moves one frame, and returns whether there is more to come.
    """
    number, goes_on = 0, True
    while goes_on:
        number += 1
        due = started_at + number * TICK_SECONDS
        await trio.sleep_until(due)
        lateness = trio.current_time() - due
        if lateness > FRAME_SECONDS:
            started_at += lateness
        goes_on = tick()
