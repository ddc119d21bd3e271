"""Virtual time stands still while a thread works."""

from __future__ import annotations

import threading
import time

import pytest
import trio

from trio_calls.simulator import Simulator
from trio_calls.testing import _virtual_time


async def test_a_thread_takes_no_time(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def tick() -> None:
            for _ in range(10_000):
                await trio.sleep(0.02)

        for _ in range(3):
            began_at = trio.current_time()
            await trio.to_thread.run_sync(time.sleep, 0.01)
            assert trio.current_time() == began_at
        nursery.cancel_scope.cancel()


async def test_time_goes_on_after_it(simulator: Simulator) -> None:
    await trio.to_thread.run_sync(time.sleep, 0.01)
    began_at = time.monotonic()
    await trio.sleep(3600)
    assert time.monotonic() - began_at < 60


async def test_a_thread_that_waits_for_time_to_pass_is_not_stuck(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_virtual_time, "_THREAD_SECONDS", 0.01)
    has_passed = threading.Event()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait() -> None:
            await trio.to_thread.run_sync(has_passed.wait)

        await trio.sleep(3600)
        has_passed.set()


async def test_so_it_is_with_a_limiter_of_ones_own(simulator: Simulator) -> None:
    limiter = trio.CapacityLimiter(1)
    began_at = trio.current_time()
    with trio.move_on_after(0.02) as scope:
        await trio.to_thread.run_sync(time.sleep, 0.01, limiter=limiter)
    assert not scope.cancelled_caught
    assert trio.current_time() == began_at
