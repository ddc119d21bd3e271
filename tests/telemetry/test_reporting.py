"""What a worker tells its supervisor of itself, and when."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from trio_calls import CallClient
from trio_calls.cli.monitoring import report_client
from trio_calls.cli.worker_channel import SupervisorEnd, WorkerEnd
from trio_calls.telemetry._catalogue import OFFERS_SEEN
from trio_calls.telemetry._reports import Report


class Supervisor:
    """A supervisor of one worker, which is this process, too.

    Attributes:
      end: of its channel.
      reports: what it was told.
    """

    def __init__(self) -> None:
        self.end = SupervisorEnd()
        self.reports: list[Report] = []
        self._send, self._receive = trio.open_memory_channel[None](100)

    def hear(self, line: bytes) -> None:
        self.reports.append(Report.from_line(line))
        self._send.send_nowait(None)

    async def wait_report(self) -> Report:
        await self._receive.receive()
        return self.reports[-1]


@asynccontextmanager
async def supervised(
    client: CallClient, *, show_numbers: bool = False
) -> AsyncIterator[Supervisor]:
    """Supervise a client inside the block, and wait for its last report after it."""
    supervisor = Supervisor()
    with supervisor.end.lend() as descriptor:
        lent = socket.socket(fileno=os.dup(descriptor))
    with trio.socket.from_stdlib_socket(lent) as of_worker:
        channel = WorkerEnd(of_worker)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(channel.listen_to_supervisor)
            nursery.start_soon(supervisor.end.listen, supervisor.hear)
            async with report_client(channel, False, client):
                yield supervisor
            await supervisor.wait_report()
            nursery.cancel_scope.cancel()
    supervisor.end.close()


async def test_a_report_comes_when_it_is_asked_for(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _):
        await control.ring("s")
        async with supervised(client) as supervisor:
            await trio.testing.wait_all_tasks_blocked()
            assert supervisor.reports == []
            supervisor.end.ask(with_calls=True)
            (listed,) = (await supervisor.wait_report()).calls
            assert (listed["call_id"], listed["caller_number"]) == ("call of s", "***")
            supervisor.end.ask(with_calls=False)
            assert (await supervisor.wait_report()).calls == []


async def test_the_last_report_comes_at_the_end(exchange: FakeExchange) -> None:
    """A worker that has drained, and is replaced, leaves nothing uncounted."""
    async with exchange.open_client() as (client, control, _):
        async with supervised(client) as supervisor:
            await control.ring("s")
            await trio.testing.wait_all_tasks_blocked()
            assert supervisor.reports == []
        assert [report.numbers.get(OFFERS_SEEN) for report in supervisor.reports] == [1]
