"""When the exchange sends its frames: every 20 ms a call, and no two calls at the same moment."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Sequence
from typing import Final

from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.frames import FRAMES_PER_SECOND

FRAME_SECONDS: Final = 1 / FRAMES_PER_SECOND

#: An event loop of asyncio sleeps for whole milliseconds, so there is no use in finer steps.
_STEP_SECONDS: Final = 0.001
_STEPS: Final = round(FRAME_SECONDS / _STEP_SECONDS)


class Pacer:
    """Sends the frames of all calls, on a schedule that does not slip when one of them is late.

    The calls of a real exchange began at any time, and are not in phase. So they are spread evenly
    over the 20 ms here. An agent gets its frames one by one, as it would in earnest, and not all at
    once, which no agent would have the time to answer and which flatters those who work in batches.

    Args:
      calls: which.
      frames_per_request: after how many frames the agent is asked for as many of its own.
    """

    def __init__(self, calls: Sequence[ExchangeCall], frames_per_request: int) -> None:
        self._steps: list[list[ExchangeCall]] = [[] for _ in range(_STEPS)]
        for index, call in enumerate(calls):
            self._steps[index * _STEPS // len(calls)].append(call)
        self._frames_per_request = frames_per_request
        self._is_running = True
        self.lateness_seconds = array("d")

    async def run(self) -> None:
        """Send frames until `stop`, whole rounds of 20 ms."""
        started_at, round_number = time.monotonic() + _STEP_SECONDS, 0
        while self._is_running:
            for step, calls in enumerate(self._steps):
                if not calls:
                    continue
                due = started_at + round_number * FRAME_SECONDS + step * _STEP_SECONDS
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.lateness_seconds.append(time.monotonic() - due)
                self._send(calls, round_number)
            round_number += 1

    def stop(self) -> None:
        """Make `run` return after the round that it is in."""
        self._is_running = False

    def _send(self, calls: Sequence[ExchangeCall], round_number: int) -> None:
        for call in calls:
            is_request_due = (round_number + call.number) % self._frames_per_request == 0
            call.send_frame(self._frames_per_request if is_request_due else 0)
