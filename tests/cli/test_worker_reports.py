"""What a supervisor makes of what its workers report, also of those that are stuck or gone."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_calls.cli.worker_channel import SupervisorEnd, WorkerEnd
from trio_calls.cli.worker_reports import (
    ASKED_EVERY_SECONDS,
    PATIENCE_SECONDS,
    SILENT_SECONDS,
    ReportingWorker,
    WorkerReports,
)
from trio_calls.telemetry._catalogue import CALLS, OFFERS_SEEN, WORKERS
from trio_calls.telemetry._numbers import Numbers
from trio_calls.telemetry._reports import Report


class ScriptedChannel(SupervisorEnd):
    """The channel to a worker that answers at once, unless it is stuck.

    Attributes:
      asked: how often it was asked, with each call and without.
      is_stuck: whether it does not answer.
    """

    def __init__(self, seen: int, not_ready: str | None = None) -> None:
        # Without its sockets.
        self.seen = seen
        self.not_ready = not_ready
        self.asked: list[bool] = []
        self.is_stuck = False
        self.worker: ReportingWorker

    def ask(self, *, with_calls: bool) -> None:
        self.asked.append(with_calls)
        if not self.is_stuck:
            self.answer(with_calls)

    def answer(self, with_calls: bool) -> None:
        numbers = Numbers()
        numbers.count(OFFERS_SEEN, self.seen)
        numbers.count(CALLS, value="answered")
        numbers.count(WORKERS)
        calls = [{"call_id": f"call {self.seen}"}] if with_calls else []
        self.worker.received(Report(numbers, self.not_ready, calls).to_line().strip())


def begin(
    reports: WorkerReports, number: int, seen: int, not_ready: str | None = None
) -> ScriptedChannel:
    channel = ScriptedChannel(seen, not_ready)
    channel.worker = reports.begin(number, channel)
    return channel


async def test_all_workers_are_one_answer(autojump_clock: trio.testing.MockClock) -> None:
    reports = WorkerReports()
    begin(reports, 1, seen=3)
    begin(reports, 2, seen=5)
    report = await reports.report(with_calls=True)
    assert report.numbers.get(OFFERS_SEEN) == 8
    assert report.numbers.get(WORKERS) == 2
    assert report.calls == [
        {"worker": 1, "call_id": "call 3"},
        {"worker": 2, "call_id": "call 5"},
    ]
    assert (await reports.report()).calls == []
    assert trio.current_time() == 0


async def test_what_a_dead_worker_has_counted_stays(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    reports = WorkerReports()
    nursery.start_soon(reports.keep_asking)
    first = begin(reports, 1, seen=3)
    begin(reports, 2, seen=5)
    await trio.sleep(ASKED_EVERY_SECONDS * 1.5)
    first.seen = 4  # nobody will hear of that
    reports.end(first.worker)
    replacement = begin(reports, 1, seen=1)
    report = await reports.report()
    assert report.numbers.get(OFFERS_SEEN) == 3 + 5 + 1
    # What it had in hand is gone with it.
    assert report.numbers.get(CALLS, "answered") == 2
    assert report.numbers.get(WORKERS) == 2
    replacement.seen = 2
    assert (await reports.report()).numbers.get(OFFERS_SEEN) == 3 + 5 + 2
    nursery.cancel_scope.cancel()


async def test_one_that_is_stuck_is_not_waited_for(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    reports = WorkerReports()
    stuck, well = begin(reports, 1, seen=3), begin(reports, 2, seen=5)
    await reports.report()
    stuck.is_stuck = True
    nursery.start_soon(reports.keep_asking)
    well.seen = 6
    for patience in (PATIENCE_SECONDS, 0, 0):
        began = trio.current_time()
        # It counts with what it has said last.
        assert (await reports.report()).numbers.get(OFFERS_SEEN) == 3 + 6
        assert trio.current_time() - began == patience
    await trio.sleep(60)
    # Its channel is for signals, too: it does not fill up.
    assert len(stuck.asked) == 2
    stuck.is_stuck = False
    stuck.seen = 10
    stuck.answer(with_calls=False)
    assert (await reports.report()).numbers.get(OFFERS_SEEN) == 10 + 6
    nursery.cancel_scope.cancel()


async def test_who_asks_for_calls_gets_them(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    """Also while somebody else asks for numbers alone, and another worker is slow."""
    reports = WorkerReports()
    quick, slow = begin(reports, 1, seen=3), begin(reports, 2, seen=5)
    slow.is_stuck = True
    found: list[Report] = []

    @nursery.start_soon
    async def look() -> None:
        found.append(await reports.report(with_calls=True))

    await trio.testing.wait_all_tasks_blocked()
    nursery.start_soon(reports.report)
    await trio.testing.wait_all_tasks_blocked()
    assert quick.asked == [True, False]
    slow.answer(with_calls=True)
    await trio.testing.wait_all_tasks_blocked()
    assert [call["worker"] for call in found[0].calls] == [1, 2]
    slow.answer(with_calls=False)


@pytest.mark.parametrize(
    ("states", "not_ready"),
    [
        ([], "no worker serves"),
        (["draining"], "draining"),
        (["draining", None], None),
        ([None, "draining"], None),
    ],
)
async def test_ready_if_one_is(
    states: list[str | None], not_ready: str | None, autojump_clock: trio.testing.MockClock
) -> None:
    reports = WorkerReports()
    for number, state in enumerate(states, 1):
        begin(reports, number, seen=0, not_ready=state)
    assert (await reports.report()).not_ready == not_ready


async def test_one_that_is_silent_takes_no_calls(autojump_clock: trio.testing.MockClock) -> None:
    reports = WorkerReports()
    channel = begin(reports, 1, seen=0)
    assert (await reports.report()).not_ready is None
    channel.is_stuck = True
    await trio.sleep(SILENT_SECONDS + 1)
    assert (await reports.report()).not_ready == "worker 1 does not answer"


async def test_nonsense_is_passed_over(autojump_clock: trio.testing.MockClock) -> None:
    reports = WorkerReports()
    channel = begin(reports, 1, seen=3)
    await reports.report()
    channel.worker.received(b"{half a rep")
    channel.worker.received(b"")
    assert (await reports.report()).numbers.get(OFFERS_SEEN) == 3


async def test_reports_travel_beside_signals() -> None:
    supervisor = SupervisorEnd()
    with supervisor.lend() as descriptor:
        lent = trio.socket.fromfd(descriptor, trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
    heard: list[bytes] = []
    has_heard = trio.Event()

    def hear(report: bytes) -> None:
        heard.append(report)
        if len(heard) == 2:
            has_heard.set()

    # Longer than what the system takes at once.
    long = b"x" * 500_000
    with lent:
        worker = WorkerEnd(lent)
        serving = trio.Event()
        serving.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.listen_to_supervisor)
            nursery.start_soon(worker.report_serving, serving)
            assert await supervisor.wait_serving()
            nursery.start_soon(
                worker.answer, lambda with_calls: (long if with_calls else b"short") + b"\n"
            )
            nursery.start_soon(supervisor.listen, hear)
            supervisor.ask(with_calls=True)
            supervisor.send_signal(15)
            supervisor.ask(with_calls=False)
            assert await worker.orders.receive() == 15
            with trio.fail_after(5):
                await has_heard.wait()
            nursery.cancel_scope.cancel()
    supervisor.close()
    assert heard == [long, b"short"]
