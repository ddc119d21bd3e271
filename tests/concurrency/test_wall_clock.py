"""Patience with threads is by the clock on the wall, and not for a loop that is blocked."""

from __future__ import annotations

import time

import pytest
import trio
import trio.testing

from trio_calls.concurrency.wall_clock import cancel_after_real_seconds


class Wall:
    """A clock on the wall that goes as fast as Trio's, and faster where it is told so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: trio.current_time() + self._ahead)

    def go_on(self, seconds: float) -> None:
        """Let so much time pass in which Trio does nothing."""
        self._ahead += seconds


async def wait_cancelled() -> float:
    """Return how long it takes on Trio's clock until 2 s are over."""
    started_at = trio.current_time()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel_after_real_seconds, scope, 2.0)
            await trio.sleep_forever()
    return trio.current_time() - started_at


async def test_time_passes(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Wall(monkeypatch)
    assert await wait_cancelled() == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("blocked_at", [0.0, 0.02, 1.0])
async def test_a_blocked_loop_is_no_slow_thread(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, blocked_at: float
) -> None:
    wall = Wall(monkeypatch)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def block() -> None:
            await trio.sleep(blocked_at)
            wall.go_on(seconds=60)

        assert await wait_cancelled() == pytest.approx(1.95, abs=0.11)
