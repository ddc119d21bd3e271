"""Tasks that a handler starts: how long they live."""

from __future__ import annotations

import trio

from tests.support.served_calls import served_call
from trio_calls import ActiveCall
from trio_calls.simulator import Simulator


async def test_a_task_that_is_started_after_the_hangup(simulator: Simulator) -> None:
    ended: list[tuple[str, float]] = []

    async def work(name: str, seconds: float) -> None:
        try:
            await trio.sleep(seconds)
        finally:
            ended.append((name, trio.current_time()))

    async with trio.open_nursery() as outside:

        async def handle(call: ActiveCall) -> None:
            await call.answer()
            async with trio.open_nursery() as nursery:
                await call.wait_disconnected()
                nursery.start_soon(work, "short", 10)
                nursery.start_soon(work, "long", 60)
                outside.start_soon(work, "outside", 60)

        async with served_call(simulator, handle) as call:
            await call.caller.wait_talking()
            call.caller.hang_up()
            over_at = trio.current_time()
    assert ended == [("short", over_at + 10), ("long", over_at + 30), ("outside", over_at + 60)]


async def test_a_nursery_that_was_left_starts_nothing(simulator: Simulator) -> None:
    refused: list[str] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async with trio.open_nursery() as nursery:
            pass
        try:
            nursery.start_soon(trio.sleep, 1)
        except RuntimeError as error:
            refused.append(str(error))

    async with served_call(simulator, handle) as call:
        await call.wait_ended()
    assert refused == ["Nursery is closed to new arrivals"]
