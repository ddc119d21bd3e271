"""What a worker makes of what its supervisor says, and of signals that it gets itself."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from signal import SIGINT, SIGTERM

import pytest
import trio

from trio_calls.cli.worker_channel import SupervisorEnd, WorkerEnd, open_worker_end


async def of(*signals: int) -> AsyncIterator[int]:
    for number in signals:
        yield number


def received(orders: trio.MemoryReceiveChannel[int]) -> Iterator[int]:
    with suppress(trio.WouldBlock):
        while True:
            yield orders.receive_nowait()


@pytest.mark.parametrize(
    ("before", "told", "after", "orders"),
    [
        ([], [], [], [SIGTERM]),  # the supervisor has gone
        ([], [SIGTERM], [], [SIGTERM]),
        ([], [SIGTERM, SIGTERM], [], [SIGTERM, SIGTERM]),
        ([], [SIGTERM, SIGINT], [], [SIGTERM, SIGINT]),
        ([SIGTERM], [SIGTERM], [], [SIGTERM]),
        ([], [SIGTERM], [SIGTERM], [SIGTERM]),
        ([SIGTERM, SIGTERM], [], [], [SIGTERM]),
        ([SIGTERM, SIGTERM], [SIGTERM, SIGTERM], [], [SIGTERM, SIGTERM]),
        ([], [SIGTERM, SIGTERM], [SIGTERM, SIGTERM], [SIGTERM, SIGTERM]),
        ([SIGTERM], [SIGINT], [], [SIGTERM, SIGINT]),
        ([SIGINT], [SIGTERM, SIGINT], [SIGINT], [SIGTERM, SIGINT]),
    ],
)
async def test_what_is_said_twice_counts_once(
    before: list[int], told: list[int], after: list[int], orders: list[int]
) -> None:
    """The worker gets signals before and after it hears what its supervisor has told it."""
    supervisor = SupervisorEnd()
    with supervisor.lend() as descriptor:
        lent = trio.socket.fromfd(descriptor, trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
    for number in told:
        supervisor.send_signal(number)
    supervisor.close()
    with lent:
        worker = WorkerEnd(lent)
        await worker.listen_to_signals(of(*before))
        await worker.listen_to_supervisor()
        await worker.listen_to_signals(of(*after))
    assert list(received(worker.orders)) == orders


async def test_both_ends_survive_the_loss_of_the_other() -> None:
    supervisor = SupervisorEnd()
    with supervisor.lend() as descriptor:
        lent = trio.socket.fromfd(descriptor, trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
    async with open_worker_end(lent.detach()) as worker, trio.open_nursery() as nursery:
        serving = trio.Event()
        nursery.start_soon(worker.report_serving, serving)
        serving.set()
        assert await supervisor.wait_serving()
        supervisor.close()
        assert await worker.orders.receive() == SIGTERM
        await worker.report_serving(serving)
    supervisor.send_signal(SIGTERM)


async def test_a_worker_that_has_gone() -> None:
    supervisor = SupervisorEnd()
    with supervisor.lend():
        supervisor.send_signal(SIGTERM)
    assert not await supervisor.wait_serving()
    supervisor.send_signal(SIGTERM)
    supervisor.close()
