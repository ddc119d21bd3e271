"""A callee's phone that rings, and how that ends."""

from __future__ import annotations

import enum
from collections.abc import Callable

import trio

from trio_calls.simulator.phones.phone import Pickup


class RingOutcome(enum.Enum):
    """How ringing ended."""

    PICKED_UP = enum.auto()
    DECLINED = enum.auto()
    UNANSWERED = enum.auto()


def ring_outcome(pickup: Pickup, ring_seconds: float) -> tuple[float, RingOutcome]:
    """Return after how many seconds ringing ends, and how.

    A callee who acts at the very end of the ring time is still in time.
    """
    if pickup.after_seconds > ring_seconds:
        return ring_seconds, RingOutcome.UNANSWERED
    return (
        pickup.after_seconds,
        RingOutcome.PICKED_UP if pickup.answers else RingOutcome.DECLINED,
    )


class Ringing:
    """One attempt to reach the callee. It ends once: settled with an outcome, or stopped.

    Attributes:
      command_id: the id of the agent's command, which is answered when ringing ends.
    """

    def __init__(
        self,
        command_id: str,
        pickup: Pickup,
        ring_seconds: float,
        on_settled: Callable[[RingOutcome], None],
    ) -> None:
        seconds, self._outcome = ring_outcome(pickup, ring_seconds)
        self._due_at = trio.current_time() + seconds
        self._on_settled = on_settled
        self._scope = trio.CancelScope()
        self.command_id = command_id

    async def run(self) -> None:
        """Ring until the time is up, then settle."""
        with self._scope:
            await trio.sleep_until(self._due_at)
            # It may have been stopped at this very moment, by a task that came first.
            await trio.lowlevel.checkpoint_if_cancelled()
            self.settle(self._outcome)

    def settle(self, outcome: RingOutcome) -> None:
        """Stop ringing, and report the outcome."""
        self.stop()
        self._on_settled(outcome)

    def stop(self) -> None:
        """Stop ringing, and report nothing."""
        self._scope.cancel()
