"""Code that blocks the event loop is warned of while it does, where it does, and rarely."""

import ctypes
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from trio_calls import ActiveCall, open_call_client, serve_calls
from trio_calls.concurrency import watchdog
from trio_calls.concurrency.watchdog import QUIET_SECONDS, THREAD_NAME, Watchdog

pytestmark = pytest.mark.slow

LIMIT = 0.05


class Notices(logging.Handler):
    """The warnings, and an event for whoever blocks until there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.came.set()

    def about(self, text: str) -> list[logging.LogRecord]:
        return [record for record in self.records if text in record.getMessage()]

    def caught_in(self, text: str) -> list[logging.LogRecord]:
        # On a busy machine the watchdog itself may come late, and tell of that.
        return [
            record for record in self.about(text) if "Just afterwards" not in record.getMessage()
        ]

    def block_until_noticed(self) -> None:
        # A busy machine may have made Trio's own steps slow enough to be warned of.
        before = len(self.caught_in("block_until_noticed"))
        while len(self.caught_in("block_until_noticed")) == before:
            assert self.came.wait(20)
            self.came.clear()


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notices]:
    notices = Notices()
    # Elsewhere in the tests it says nothing: a busy machine must not make it.
    logger = logging.getLogger(watchdog.logger.name)
    monkeypatch.setattr(logger, "disabled", False)
    logger.addHandler(notices)
    yield notices
    logger.removeHandler(notices)


@pytest.fixture
def never_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "QUIET_SECONDS", 0)


def watching_threads() -> int:
    return sum(thread.name == THREAD_NAME for thread in threading.enumerate())


@pytest.mark.usefixtures("never_quiet")
async def test_generated_code_is_caught_like_any_other(notices: Notices) -> None:
    # As attrs and cattrs make it: its globals have no name.
    generated: dict[str, Any] = {"sleep": time.sleep}
    exec(
        "def block_until(records):\n"
        "    for _ in range(20_000):\n"
        "        if records: return\n"
        "        sleep(0.001)\n",
        generated,
    )
    assert "__name__" not in generated
    async with watchdog.open_watchdog(LIMIT):
        generated["block_until"](notices.records)
        await trio.lowlevel.checkpoint()
        assert watching_threads() == 1
    assert notices.about("in block_until")


@pytest.mark.usefixtures("never_quiet")
async def test_a_handler_is_caught_in_the_act(exchange: FakeExchange, notices: Notices) -> None:
    has_blocked = trio.Event()

    async def handle_call(call: ActiveCall) -> None:
        notices.block_until_noticed()
        has_blocked.set()

    async with trio.open_nursery() as nursery:
        config = exchange.config(blocked_warning_seconds=LIMIT)
        await nursery.start(serve_calls, handle_call, config)
        await (await exchange.control()).ring("s")
        await has_blocked.wait()
        nursery.cancel_scope.cancel()
    [record] = notices.caught_in("block_until_noticed")
    message = record.getMessage()
    assert (record.levelname, record.threadName) == ("WARNING", THREAD_NAME)
    assert "Task trio_calls: session " in message
    assert "in handle_call\n    notices.block_until_noticed()\n" in message
    assert "in block_until_noticed\n    assert self.came.wait(20)\n" in message
    assert "trio.to_thread.run_sync()" in message
    assert "_run.py" not in message  # nothing of Trio's own


async def test_what_blocks_soon_after_is_not_warned_of(
    exchange: FakeExchange, notices: Notices
) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=LIMIT)):
        assert notices.came.wait(20)
        await trio.lowlevel.checkpoint()
        time.sleep(4 * LIMIT)  # noqa: ASYNC251
    assert len(notices.records) == 1


@pytest.mark.usefixtures("never_quiet")
async def test_what_blocks_later_is_warned_of_again(
    exchange: FakeExchange, notices: Notices
) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=LIMIT)):
        for _ in range(3):
            notices.block_until_noticed()
            await trio.testing.wait_all_tasks_blocked()
    assert len(notices.caught_in("block_until_noticed")) == 3


@pytest.mark.usefixtures("never_quiet")
async def test_several_clients_share_one_watchdog(exchange: FakeExchange, notices: Notices) -> None:
    config = exchange.config(blocked_warning_seconds=LIMIT)
    async with trio.open_nursery() as nursery:
        first_scope = trio.CancelScope()

        async def serve_first(task_status: trio.TaskStatus[None]) -> None:
            with first_scope:
                async with open_call_client(config):
                    task_status.started()
                    await trio.sleep_forever()

        await nursery.start(serve_first)
        async with open_call_client(config):
            assert watching_threads() == 1
            first_scope.cancel()
            await trio.testing.wait_all_tasks_blocked()
            assert watching_threads() == 1
            notices.block_until_noticed()
        assert watching_threads() == 0
    async with open_call_client(config):
        assert watching_threads() == 1
    assert watching_threads() == 0


async def test_without_a_limit_nobody_watches(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=None)):
        assert watching_threads() == 0


async def test_a_limit_of_years_will_do(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=1e9)):
        assert watching_threads() == 1


async def test_who_crashes_leaves_no_thread(exchange: FakeExchange) -> None:
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with open_call_client(exchange.config()):
            raise ZeroDivisionError
    assert watching_threads() == 0


@pytest.mark.usefixtures("never_quiet")
@pytest.mark.skipif(sys.platform == "win32", reason="takes its C from the system's library")
async def test_who_keeps_the_gil_is_told_of_afterwards(notices: Notices) -> None:
    async with watchdog.open_watchdog(LIMIT):
        # Called without letting go of the GIL. Ten times the limit, in microseconds.
        ctypes.PyDLL(None).usleep(int(10e6 * LIMIT))
        while not notices.about("kept the GIL"):
            assert notices.came.wait(20)
            notices.came.clear()
    message = notices.about("usleep")[0].getMessage()
    blocked = re.search(r"blocked for ([\d.]+) s", message)
    assert blocked
    assert float(blocked[1]) >= 8 * LIMIT


class Hours:
    """A clock that stands still, to be put forward by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Hours:
    clock = Hours()
    monkeypatch.setattr(watchdog, "time", clock)
    return clock


@pytest.fixture
async def dog(clock: Hours) -> Watchdog:
    """One without a thread: the test looks."""
    return Watchdog(0.5)


async def test_it_looks_again_when_the_limit_is_reached(
    dog: Watchdog, clock: Hours, notices: Notices
) -> None:
    assert dog.look() == pytest.approx(0.25)
    clock.now += 0.4
    assert dog.look() == pytest.approx(0.1)
    assert notices.records == []
    clock.now += 0.1
    assert dog.look() == QUIET_SECONDS
    assert "blocked for 0.5 s" in notices.records[0].getMessage()


async def test_what_goes_on_blocking_is_warned_of_once(
    dog: Watchdog, clock: Hours, notices: Notices
) -> None:
    for _ in range(3):
        clock.now += 3600
        dog.look()
    assert len(notices.records) == 1


async def test_a_look_that_comes_late_tells_of_it_once(dog: Watchdog, notices: Notices) -> None:
    assert dog.look(late_seconds=0.49) == 0.25
    assert notices.records == []
    assert dog.look(late_seconds=8.2) == QUIET_SECONDS
    [record] = notices.records
    assert "was blocked for 8.2 s" in record.getMessage()
    assert "test_a_look_that_comes_late_tells_of_it_once" in record.getMessage()


async def test_where_no_task_runs_only_the_time_is_told(
    dog: Watchdog, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dog, "_running_task", lambda: None)
    dog.look(late_seconds=8.2)
    assert notices.records[0].getMessage().endswith("move it into another process.")


async def test_many_steps_are_no_block_however_long_together(
    dog: Watchdog, clock: Hours, notices: Notices
) -> None:
    for _ in range(10):
        clock.now += 0.4
        dog.look()
        await trio.lowlevel.checkpoint()
    assert notices.records == []


async def test_hours_of_virtual_time_are_no_block(dog: Watchdog, notices: Notices) -> None:
    for _ in range(2):
        assert dog.look() == pytest.approx(0.25)
        await trio.sleep(3600)
    assert notices.records == []


class Waits(trio.abc.Instrument):
    """Tells another thread that Trio has nothing to do."""

    def __init__(self) -> None:
        self.began = threading.Event()

    def before_io_wait(self, timeout: float) -> None:
        if timeout > 0:
            self.began.set()


async def look_while_trio_waits(dog: Watchdog) -> float:
    """Look from another thread. Not on a clock that jumps: Trio would not wait."""
    waits = Waits()

    def look() -> float:
        assert waits.began.wait(20)
        return dog.look()

    trio.lowlevel.add_instrument(waits)
    try:
        return await trio.to_thread.run_sync(look)
    finally:
        trio.lowlevel.remove_instrument(waits)


@pytest.fixture(params=["it is seen", "it is not seen"])
def whether_it_is_seen_that_trio_waits(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.param == "it is not seen":
        monkeypatch.setattr(watchdog, "_WHERE_TRIO_WAITS", "somewhere else")


@pytest.mark.usefixtures("whether_it_is_seen_that_trio_waits")
async def test_a_loop_that_waits_is_neither_blamed_nor_woken(
    dog: Watchdog,
    clock: Hours,
    notices: Notices,
    mock_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Asleep:
        def run_sync_soon(self, sync_fn: object) -> None:
            raise AssertionError("it was woken")

    monkeypatch.setattr(dog, "_trio_token", Asleep())
    for _ in range(2):
        assert await look_while_trio_waits(dog) == 0.25
        clock.now += 3600
    assert notices.records == []


async def test_that_a_loop_waits_is_seen_without_looking_at_its_tasks(
    dog: Watchdog, mock_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(dog, "_root_task")
    assert await look_while_trio_waits(dog) == 0.25


async def test_a_loop_whose_sign_is_still_on_its_way_is_not_blamed(
    dog: Watchdog,
    clock: Hours,
    notices: Notices,
    mock_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow:
        def run_sync_soon(self, sync_fn: object) -> None: ...

    monkeypatch.setattr(dog, "_trio_token", Slow())
    assert dog.look() == 0.25
    clock.now += 1
    assert await look_while_trio_waits(dog) == 0.25
    assert notices.records == []


async def test_who_has_just_moved_on_is_not_blamed(
    dog: Watchdog, clock: Hours, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_at_stack = watchdog._stack_of

    def look_too_late(task: trio.lowlevel.Task, thread: int) -> object:
        dog._give_sign()
        return look_at_stack(task, thread)

    monkeypatch.setattr(watchdog, "_stack_of", look_too_late)
    assert dog.look() == 0.25
    clock.now += 1
    assert dog.look() == 0.25
    assert notices.records == []


async def test_the_end_of_the_run_ends_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finished:
        def run_sync_soon(self, sync_fn: object) -> None:
            raise trio.RunFinishedError

    dog = Watchdog(LIMIT)
    monkeypatch.setattr(dog, "_trio_token", Finished())
    dog.start()
    dog._thread.join(20)
    assert not dog._thread.is_alive()


async def test_calls_are_served_where_no_thread_can_be_started(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch, notices: Notices
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("one")
        await switchboard.next_call()
    assert notices.about("no thread can be started")
