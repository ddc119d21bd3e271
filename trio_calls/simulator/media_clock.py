"""The beat to which a call's audio moves."""

from __future__ import annotations

from collections.abc import Callable

import trio

from trio_calls.audio import FRAME_SECONDS


async def run_media_clock(started_at: float, tick: Callable[[], bool]) -> None:
    """Call `tick` every 20 ms, from 20 ms after `started_at`, until it returns False.

    The schedule is absolute: a late tick does not delay those after it. But where the whole process
    was held up for longer than a frame, time stands still for the call rather than being made up
    for in a burst, which would leave no agent the time to answer each tick.

    Args:
      started_at: by `trio.current_time`, in seconds.
      tick: moves one frame, and tells whether there is more to come.
    """
    number, goes_on = 0, True
    while goes_on:
        number += 1
        due = started_at + number * FRAME_SECONDS
        await trio.sleep_until(due)
        # Tasks that wake at the same moment go first, whatever order Trio has picked: what is said
        # or picked up at this moment is then always in this frame, and never by chance in the next.
        await trio.lowlevel.checkpoint()
        lateness = trio.current_time() - due
        if lateness > FRAME_SECONDS:
            started_at += lateness
        goes_on = tick()
