"""Calling something at a time that may be changed while it is waited for."""

from __future__ import annotations

import trio
import trio.testing

from trio_calls.concurrency.alarm import Alarm


async def test_it_rings_once_when_it_is_due(nursery: trio.Nursery) -> None:
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(trio.current_time()))
    now = trio.current_time()
    alarm.set(nursery, now + 5)
    await trio.sleep(60)
    assert rung == [now + 5]
    assert not nursery.child_tasks


async def test_what_is_said_last_holds(nursery: trio.Nursery) -> None:
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(trio.current_time()))
    now = trio.current_time()
    for due in (5, 9, 7):
        alarm.set(nursery, now + due)
    assert len(nursery.child_tasks) == 1
    await trio.sleep(60)
    assert rung == [now + 7]


async def test_it_may_be_set_again_when_it_rings(nursery: trio.Nursery) -> None:
    rung: list[float] = []

    def ring() -> None:
        rung.append(trio.current_time())
        if len(rung) < 3:
            alarm.set(nursery, trio.current_time() + 1)

    alarm = Alarm(ring)
    now = trio.current_time()
    alarm.set(nursery, now + 1)
    await trio.sleep(60)
    assert rung == [now + 1, now + 2, now + 3]


async def test_it_can_be_stopped_and_set_again(nursery: trio.Nursery) -> None:
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(trio.current_time()))
    now = trio.current_time()
    alarm.stop()
    alarm.set(nursery, now + 5)
    alarm.stop()
    await trio.testing.wait_all_tasks_blocked()
    assert not nursery.child_tasks
    alarm.set(nursery, now + 7)
    await trio.testing.wait_all_tasks_blocked()
    alarm.stop()
    alarm.set(nursery, now + 9)
    await trio.sleep(60)
    assert rung == [now + 9]


async def test_it_does_not_ring_when_its_nursery_is_cancelled() -> None:
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(trio.current_time()))
    async with trio.open_nursery() as nursery:
        alarm.set(nursery, trio.current_time() + 1)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    await trio.sleep(60)
    assert rung == []
