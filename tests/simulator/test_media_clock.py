"""The clock of a call: absolute while the process keeps up, at a standstill where it does not."""

import pytest
import trio
import trio.testing

from trio_calls.simulator.phones.media_clock import run_media_clock


async def test_ticks_come_every_20_ms_from_the_start(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ticks: list[float] = []

    def tick() -> bool:
        ticks.append(trio.current_time())
        return len(ticks) < 4

    await run_media_clock(trio.current_time(), tick)
    assert ticks == pytest.approx([0.02, 0.04, 0.06, 0.08])


async def test_a_tick_that_is_a_little_late_does_not_delay_the_next(
    mock_clock: trio.testing.MockClock,
) -> None:
    ticks: list[float] = []

    def tick() -> bool:
        ticks.append(trio.current_time())
        return len(ticks) < 2

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_media_clock, 0.0, tick)
        for seconds in (0.03, 0.011):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(seconds)
    assert ticks == pytest.approx([0.03, 0.041])


async def test_after_a_hold_up_ticks_are_not_made_up_for_in_a_burst(
    mock_clock: trio.testing.MockClock,
) -> None:
    ticks: list[float] = []

    def tick() -> bool:
        ticks.append(trio.current_time())
        return len(ticks) < 3

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_media_clock, 0.0, tick)
        for seconds in (1.0, 0.021, 0.02):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(seconds)
    assert ticks == pytest.approx([1.0, 1.021, 1.041])
