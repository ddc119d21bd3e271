"""People who call, one after the other, talk for a while, and hang up when they have been heard."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.agents.settings import SAMPLE_RATE
from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.exchange import Exchange
from benchmarks.exchange.frames import FRAMES_PER_SECOND, StampedAudio, text_frame

#: Audio goes in messages of 100 ms: two cores have the time for 200 calls then.
MESSAGE_SECONDS: Final = 0.1
_MESSAGES_AHEAD: Final = 3

#: How long the last of an echo is waited for.
ECHO_SECONDS: Final = 5.0


def call_audio() -> StampedAudio:
    """Make what callers say: frames as long as a message."""
    return StampedAudio(round(SAMPLE_RATE * MESSAGE_SECONDS * FRAMES_PER_SECOND))


class RollingCall(ExchangeCall):
    """A call whose end is seen.

    Attributes:
      answered_seconds: from its offer until the agent answered; None before.
      has_hung_up: whether the caller has.
      was_cut: whether its media connection was lost before the caller hung up.
    """

    def __init__(self, number: int, audio: StampedAudio) -> None:
        super().__init__(number, audio, frames_ahead=_MESSAGES_AHEAD)
        self.answered_seconds: float | None = None
        self.has_hung_up = False
        self.was_cut = False
        self._answered = asyncio.Event()
        self._placed_at = time.monotonic()

    @property
    def is_talking(self) -> bool:
        """Whether it goes on."""
        return self.answered_seconds is not None and not self.has_hung_up and not self.was_cut

    @property
    def waited_seconds(self) -> float:
        """For how long the caller has waited for an answer, so far or in all."""
        so_far = time.monotonic() - self._placed_at
        return so_far if self.answered_seconds is None else self.answered_seconds

    def receive_text(self, message: dict[str, Any]) -> None:
        if message["type"] == "command" and message["data"]["command"] == "call.answer":
            self.answered_seconds = self.waited_seconds
            self._answered.set()
        super().receive_text(message)

    def lost(self) -> None:
        self.was_cut = not self.has_hung_up

    async def talk(self, seconds: float) -> None:
        """Wait for the answer, talk for so long, and hang up when everything has come back."""
        await self._answered.wait()
        due = time.monotonic()
        for _ in range(round(seconds / MESSAGE_SECONDS)):
            due += MESSAGE_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self.was_cut:
                return
            self.send_frame(1)
        deadline = time.monotonic() + ECHO_SECONDS
        while self.echo.missing_frames and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(MESSAGE_SECONDS)
        if not self.was_cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.has_hung_up = True
        self._connection.send(
            text_frame({"type": "call_event", "data": {"event": "call.terminated"}})
        )
        self._connection.finish()


class Callers:
    """Keeps so many calls going.

    Args:
      exchange: whose calls are of the kind `RollingCall`.
      at_once: how many.
      seconds: each call's least and greatest length.
      seed: of the lengths.
    """

    def __init__(
        self, exchange: Exchange, at_once: int, seconds: tuple[float, float], seed: int
    ) -> None:
        self._exchange = exchange
        self._at_once = at_once
        self._seconds = seconds
        self._chance = random.Random(seed)
        self._goes_on = True

    @property
    def calls(self) -> list[RollingCall]:
        """Those that were placed."""
        return [call for call in self._exchange.calls if isinstance(call, RollingCall)]

    async def run(self, within_seconds: float, on_full: Callable[[], object]) -> None:
        """Place calls, one after the other, and one for each that ends; until `stop`.

        Args:
          within_seconds: until all lines are busy.
          on_full: called then.
        """
        async with asyncio.TaskGroup() as lines:
            for _ in range(self._at_once):
                lines.create_task(self._keep_line_busy())
                await asyncio.sleep(within_seconds / self._at_once)
            on_full()

    def stop(self) -> None:
        """Place no call any more."""
        self._goes_on = False

    async def _keep_line_busy(self) -> None:
        while self._goes_on:
            (call,) = self._exchange.offer(1)
            assert isinstance(call, RollingCall)
            await call.talk(self._chance.uniform(*self._seconds))
