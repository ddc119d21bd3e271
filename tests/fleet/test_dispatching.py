"""Calls that a dispatcher passes on to workers: who answers them when who dies, and who is told."""

from __future__ import annotations

import logging
from typing import Literal

import pytest
import trio
import trio.testing

from tests.support.dispatch import Worker, open_desk
from tests.support.dispatch_store import QueueInMemory
from tests.support.phone_calls import A, D, P, speech
from tests.support.wires import on_both_wires, on_the_second_wire
from trio_calls import (
    ActiveCall,
    EndCause,
    WSSCallClosedError,
    WSSCallCommandError,
    open_call_client,
)
from trio_calls.config import WireName
from trio_calls.fleet import new_dispatch_key
from trio_calls.fleet._dispatch_marks import WAITING
from trio_calls.simulator import (
    PhoneState,
    SimulatedCall,
    Simulator,
    cut_control,
    open_simulator,
    refuse,
)

pytestmark = pytest.mark.usefixtures("virtual_time", "no_task_left")

GREETING = speech(1)


@pytest.fixture
def queue() -> QueueInMemory:
    return QueueInMemory()


async def greet(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(GREETING)
    await call.wait_disconnected()


async def think_for_long(call: ActiveCall) -> None:
    await trio.sleep(1000)


async def think_and_greet(call: ActiveCall) -> None:
    await trio.sleep(5)
    await greet(call)


async def hang_up(*calls: SimulatedCall) -> None:
    for call in calls:
        call.caller.hang_up()
        await call.wait_ended()


async def answered_within(call: SimulatedCall, seconds: float) -> float:
    """Wait until a call is answered; returns how long that took."""
    began = trio.current_time()
    with trio.fail_after(seconds):
        await call.caller.wait_talking()
    return trio.current_time() - began


@on_both_wires
async def test_a_worker_answers_what_a_dispatcher_has_claimed(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue) as (client, desk):
        nursery.start_soon(worker.run, simulator, greet)
        call = simulator.place_call()
        assert await answered_within(call, 1) < 0.5
        await trio.sleep(2)
        assert (desk.waiting, client.calls) == (0, ())
        await hang_up(call)
        worker.leave()
    assert GREETING in call.caller.heard
    assert call.agent_states == [P, A, D]
    assert queue.entries == {}
    assert call.caller.number.encode() not in b"".join(queue.documents)


async def test_two_workers_share_them(simulator: Simulator, queue: QueueInMemory) -> None:
    workers = [Worker(queue, name) for name in "ab"]
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        for worker in workers:
            nursery.start_soon(worker.run, simulator, greet, 5)
        calls = [simulator.place_call() for _ in range(12)]
        await trio.sleep(1)
        # Two wait for room.
        assert [len(worker.calls) for worker in workers] == [5, 5]
        talking = [call for call in calls if call.caller.state is PhoneState.TALKING]
        assert len(talking) == 10
        await hang_up(*talking[:2])
        await trio.sleep(2)
        assert sum(len(worker.calls) for worker in workers) == 12
        await hang_up(*talking[2:])
        for worker in workers:
            worker.leave()


async def test_a_handler_may_take_its_time(simulator: Simulator, queue: QueueInMemory) -> None:
    workers = [Worker(queue, name) for name in "ab"]
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        for worker in workers:
            nursery.start_soon(worker.run, simulator, think_and_greet)
        call = simulator.place_call()
        assert await answered_within(call, 6) == pytest.approx(5, abs=0.5)
        await trio.sleep(3)
        await hang_up(call)
        for worker in workers:
            worker.leave()
    # The other one never had it.
    assert sorted(len(worker.calls) for worker in workers) == [0, 1]


async def test_one_that_dies_before_it_has_opened_a_call(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    first, second = Worker(queue, "a"), Worker(queue, "b")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        nursery.start_soon(first.run, simulator, think_for_long)
        call = simulator.place_call()
        await trio.sleep(3)
        nursery.start_soon(second.run, simulator, greet)
        await trio.sleep(3)
        assert second.calls == []
        first.die()
        await answered_within(call, 2)
        await trio.sleep(2)
        await hang_up(call)
        first.leave()
        second.leave()
    assert GREETING in call.caller.heard
    assert call.agent_states == [P, A, D]


@on_both_wires
@pytest.mark.parametrize("second_media", ["refuse", "replace"])
async def test_one_that_dies_while_it_opens_a_call(
    queue: QueueInMemory, second_media: Literal["refuse", "replace"], wire: WireName
) -> None:
    first, second = Worker(queue, "a"), Worker(queue, "b")

    async def die_in_between(call: ActiveCall) -> None:
        # Marked, and nothing opened: a dead worker's streams never open.
        nursery.start_soon(call.answer)
        while queue.mark(next(iter(queue.entries.values())).name) == WAITING:
            await trio.lowlevel.checkpoint()
        first.die()
        await trio.sleep_forever()

    async with (
        open_simulator(second_media_connection=second_media, wire=wire) as simulator,
        trio.open_nursery() as nursery,
        open_desk(simulator, queue),
    ):
        nursery.start_soon(first.run, simulator, die_in_between)
        call = simulator.place_call()
        await trio.sleep(0.3)
        assert first.is_dead
        nursery.start_soon(second.run, simulator, greet)
        assert 1.5 < await answered_within(call, 2.5) < 2.3
        await trio.sleep(2)
        await hang_up(call)
        nursery.cancel_scope.cancel()
    assert call.agent_states == [P, A, D]
    assert GREETING in call.caller.heard


@on_both_wires
@pytest.mark.parametrize("second_media", ["refuse", "replace"])
async def test_one_that_is_silent_and_has_opened_it(
    queue: QueueInMemory, second_media: Literal["refuse", "replace"], wire: WireName
) -> None:
    # It opens the call, and cannot tell anybody.
    first, second = Worker(queue, "a", is_mute=True), Worker(queue, "b")
    async with (
        open_simulator(second_media_connection=second_media, wire=wire) as simulator,
        trio.open_nursery() as nursery,
        open_desk(simulator, queue),
    ):

        async def answer_unheard(call: ActiveCall) -> None:
            await call.answer()
            await call.wait_disconnected()

        async def answer_too_late(call: ActiveCall) -> None:
            with pytest.raises((WSSCallClosedError, WSSCallCommandError)):
                await call.answer()
            await call.wait_disconnected()

        nursery.start_soon(first.run, simulator, answer_unheard)
        call = simulator.place_call()
        await call.caller.wait_talking()
        nursery.start_soon(second.run, simulator, answer_too_late)
        await trio.sleep(5)
        assert len(second.calls) == 1
        assert queue.entries == {}
        # The exchange has decided: with one of the two the caller talks on.
        assert call.caller.state is PhoneState.TALKING
        endings = [worker.calls[0].ending for worker in (first, second)]
        lost = [ending for ending in endings if ending is not None]
        assert [ending.cause for ending in lost] == [EndCause.LOST]
        assert (endings[1] is None) is (second_media == "replace")
        await hang_up(call)
        nursery.cancel_scope.cancel()


@on_both_wires
async def test_nobody_has_opened_it_in_time(
    simulator: Simulator, queue: QueueInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    late = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue, ring_seconds=10):
        call = simulator.place_call()
        await trio.sleep(9.9)
        assert not call.ended
        await call.wait_ended()
        assert trio.current_time() < 11
        nursery.start_soon(late.run, simulator, greet)
        await trio.sleep(1)
        late.leave()
    assert late.calls == []
    assert queue.entries == {}
    assert call.caller.state is PhoneState.HUNG_UP
    assert "no worker has opened it in time, so it is declined" in caplog.text


async def test_a_call_that_cannot_be_declined_is_its_own_trouble(
    simulator: Simulator, queue: QueueInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    """The setting is about handlers of the application, and none has failed."""
    simulator.inject(refuse("call.disconnect", error_code="BUSY"))
    async with open_desk(simulator, queue, ring_seconds=1, crash_on_handler_error=True) as (
        _,
        desk,
    ):
        call = simulator.place_call()
        await call.wait_ended()
        await trio.sleep(1)
        assert desk.waiting == 0
        await simulator.place_call().wait_ended()
    assert "no worker has opened it in time, so it is declined" in caplog.text


async def test_a_handler_that_thinks_for_too_long_opens_nothing(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue, ring_seconds=3):
        nursery.start_soon(worker.run, simulator, think_and_greet)
        call = simulator.place_call()
        await call.wait_ended()
        assert trio.current_time() < 4
        await trio.sleep(3)
        worker.leave()
    (late,) = worker.calls
    assert late.ending is not None
    assert late.ending.cause is EndCause.LOST
    assert call.agent_states == [P, D]


async def test_redis_is_gone_when_a_call_comes(
    simulator: Simulator, queue: QueueInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    queue.go_down()
    async with open_desk(simulator, queue):
        call = simulator.place_call()
        await trio.sleep(2.9)
        assert not call.ended
        await call.wait_ended()
        assert trio.current_time() < 4
    assert "it could not be put into Redis, so it is declined" in caplog.text


async def test_redis_comes_back_in_time(simulator: Simulator, queue: QueueInMemory) -> None:
    worker = Worker(queue, "a")
    queue.go_down()
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        nursery.start_soon(worker.run, simulator, greet)
        call = simulator.place_call()
        await trio.sleep(2)
        queue.come_up()
        await answered_within(call, 1)
        await hang_up(call)
        worker.leave()


async def test_redis_loses_a_call_that_waits(simulator: Simulator, queue: QueueInMemory) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        call = simulator.place_call()
        await trio.sleep(1)
        queue.go_down()
        await trio.sleep(1)
        queue.come_up(empty=True)
        nursery.start_soon(worker.run, simulator, greet)
        await answered_within(call, 4)
        await hang_up(call)
        worker.leave()
    assert len(worker.calls) == 1


async def test_redis_loses_a_call_that_a_worker_has(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    workers = [Worker(queue, name) for name in "ab"]
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        for worker in workers:
            nursery.start_soon(worker.run, simulator, think_and_greet)
        call = simulator.place_call()
        await trio.sleep(1)
        queue.go_down()
        queue.come_up(empty=True)
        await answered_within(call, 9)
        await trio.sleep(5)
        assert call.caller.state is PhoneState.TALKING
        await hang_up(call)
        for worker in workers:
            worker.leave()
    assert call.agent_states == [P, A, D]


async def test_calls_that_are_open_do_not_need_redis(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue) as (_, desk):
        nursery.start_soon(worker.run, simulator, greet)
        call = simulator.place_call()
        await answered_within(call, 1)
        await trio.sleep(1)
        queue.go_down()
        await trio.sleep(10)
        assert desk.waiting == 0
        assert call.caller.state is PhoneState.TALKING
        await hang_up(call)
        queue.come_up()
        worker.leave()


async def test_redis_is_gone_when_a_worker_wants_to_open(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    worker = Worker(queue, "a")
    async with (
        trio.open_nursery() as nursery,
        open_desk(simulator, queue, ring_seconds=10),
    ):
        nursery.start_soon(worker.run, simulator, think_and_greet)
        call = simulator.place_call()
        await trio.sleep(1)
        queue.go_down()
        await call.wait_ended()
        assert 10 <= trio.current_time() < 11
        queue.come_up()
        worker.leave()
    (taken,) = worker.calls
    assert taken.ending is not None
    assert "Redis could not be asked for 3 s" in taken.ending.detail


async def test_a_worker_with_another_key_leaves_calls_to_others(
    simulator: Simulator, queue: QueueInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    foreign, worker = Worker(queue, "a", str(new_dispatch_key())), Worker(queue, "b")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        nursery.start_soon(foreign.run, simulator, greet)
        call = simulator.place_call()
        await trio.sleep(1)
        nursery.start_soon(worker.run, simulator, greet)
        await answered_within(call, 1)
        await hang_up(call)
        foreign.leave()
        worker.leave()
    assert foreign.calls == []
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [error.getMessage().split(":")[0] for error in errors] == [
        "a call was left to other workers, and its caller may ring on"
    ]


async def test_what_a_worker_lets_go_is_anothers(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    first, second = Worker(queue, "a"), Worker(queue, "b")

    async def let_go(call: ActiveCall) -> None:
        await call.close()

    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        nursery.start_soon(first.run, simulator, let_go)
        call = simulator.place_call()
        await trio.sleep(5)
        assert len(first.calls) == 1
        nursery.start_soon(second.run, simulator, greet)
        await answered_within(call, 1)
        await hang_up(call)
        first.leave()
        second.leave()
    assert len(first.calls) == 1


async def test_a_worker_that_leaves_gives_its_calls_back(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    first, second = Worker(queue, "a"), Worker(queue, "b")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue):
        nursery.start_soon(first.run, simulator, think_for_long)
        call = simulator.place_call()
        await trio.sleep(1)
        nursery.start_soon(second.run, simulator, greet)
        await trio.sleep(1)
        first.leave()
        assert await answered_within(call, 2.5) < 2.5
        await hang_up(call)
        second.leave()


@on_both_wires
async def test_a_caller_who_gives_up_is_nobodys_failure(
    simulator: Simulator, queue: QueueInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue) as (_, desk):
        call = simulator.place_call()
        await trio.sleep(1)
        await hang_up(call)
        nursery.start_soon(worker.run, simulator, greet)
        await trio.sleep(2)
        assert desk.waiting == 0
        worker.leave()
    assert queue.entries == {}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_the_dispatcher_dies(simulator: Simulator, queue: QueueInMemory) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker.run, simulator, greet, 1)
        async with open_desk(simulator, queue):
            taken = simulator.place_call()
            await answered_within(taken, 1)
            waiting = simulator.place_call()
            await trio.sleep(1)
        await trio.sleep(5)
        assert taken.caller.state is PhoneState.TALKING
        async with open_desk(simulator, queue):
            await hang_up(taken)
            # The new one has claimed it anew: what the old one has put opens nothing.
            await answered_within(waiting, 3)
            await hang_up(waiting)
            worker.leave()
    assert GREETING in taken.caller.heard


@on_the_second_wire
async def test_what_a_dead_dispatcher_has_claimed_is_answered(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    # There the claim is not lost with the connection, and nobody is offered the call again.
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery:
        async with open_desk(simulator, queue):
            call = simulator.place_call()
            await trio.sleep(1)
        async with open_desk(simulator, queue):
            await trio.sleep(15)
            assert len(queue.documents) == 1
            nursery.start_soon(worker.run, simulator, greet)
            await answered_within(call, 1)
            await trio.sleep(2)
            await hang_up(call)
            worker.leave()
    assert GREETING in call.caller.heard
    assert call.agent_states == [P, A, D]


@on_the_second_wire
async def test_a_dispatcher_that_was_cut_off_still_declines(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    async with open_desk(simulator, queue, ring_seconds=10) as (_, desk):
        call = simulator.place_call()
        await trio.sleep(1)
        simulator.inject(cut_control())
        await trio.sleep(5)
        assert (desk.waiting, len(queue.documents)) == (1, 1)
        await call.wait_ended()
        assert 10 <= trio.current_time() < 11
    assert call.agent_states == [P, D]


async def test_a_dispatcher_that_drains_waits_for_workers(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    worker = Worker(queue, "a")
    async with trio.open_nursery() as nursery, open_desk(simulator, queue) as (client, desk):
        first = simulator.place_call()
        await trio.sleep(1)
        with trio.move_on_after(5) as patience:
            await client.drain()
            await desk.drain()
        assert patience.cancelled_caught
        nursery.start_soon(worker.run, simulator, greet)
        await desk.drain()
        assert first.caller.state is PhoneState.TALKING
        second = simulator.place_call()
        await trio.sleep(2)
        assert second.agent_states == [P]
        await hang_up(first, second)
        worker.leave()


async def test_one_that_is_closed_takes_no_calls(
    simulator: Simulator, queue: QueueInMemory, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_call_client(simulator.config) as client:
        async with open_desk(simulator, queue, client=client):
            pass
        call = simulator.place_call()
        await call.wait_ended()
    assert "the dispatcher is closed" in caplog.text
    assert queue.documents == []


async def test_it_declines_while_it_drains(simulator: Simulator, queue: QueueInMemory) -> None:
    async with open_desk(simulator, queue, ring_seconds=5) as (client, desk):
        call = simulator.place_call()
        await trio.sleep(1)
        await client.drain()
        await desk.drain()
        assert call.ended
        assert 5 <= trio.current_time() < 6


async def test_a_call_that_is_offered_again_is_passed_on_anew(
    simulator: Simulator, queue: QueueInMemory
) -> None:
    worker = Worker(queue, "a")
    async with (
        trio.open_nursery() as nursery,
        open_desk(simulator, queue, ring_seconds=5) as (
            _,
            desk,
        ),
    ):
        call = simulator.place_call()
        await trio.sleep(1)
        simulator.inject(cut_control())
        await trio.sleep(2)
        assert (desk.waiting, len(queue.documents)) == (1, 2)
        nursery.start_soon(worker.run, simulator, greet)
        await answered_within(call, 1)
        await trio.sleep(8)
        # Nobody has declined the first one's.
        assert call.caller.state is PhoneState.TALKING
        await hang_up(call)
        worker.leave()
    assert call.agent_states == [P, A, D]
