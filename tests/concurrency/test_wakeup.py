"""Sleeping until somebody wakes everybody."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from trio_calls.concurrency.wakeup import Wakeup


async def test_all_who_sleep_are_woken_and_nobody_who_comes_later() -> None:
    wakeup = Wakeup()
    woken: list[str] = []

    async def sleep(name: str) -> None:
        await wakeup.wait()
        woken.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleep, "Ada")
        nursery.start_soon(sleep, "Bob")
        await wait_all_tasks_blocked()
        wakeup.wake()
        nursery.start_soon(sleep, "Eve")
        await wait_all_tasks_blocked()
        assert sorted(woken) == ["Ada", "Bob"]
        wakeup.wake()
    assert woken[2:] == ["Eve"]


async def test_to_wake_nobody_does_nothing() -> None:
    wakeup = Wakeup()
    wakeup.wake()
    with trio.move_on_after(0) as scope:
        await wakeup.wait()
    assert scope.cancelled_caught


async def test_only_who_is_cancelled_stops_sleeping() -> None:
    wakeup = Wakeup()
    woken: list[str] = []

    async def sleep(name: str, scope: trio.CancelScope) -> None:
        with scope:
            await wakeup.wait()
            woken.append(name)

    cancelled = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleep, "Ada", cancelled)
        nursery.start_soon(sleep, "Bob", trio.CancelScope())
        await wait_all_tasks_blocked()
        cancelled.cancel()
        await wait_all_tasks_blocked()
        assert cancelled.cancelled_caught
        wakeup.wake()
    assert woken == ["Bob"]
