"""Which workers a supervisor starts, when, and how it ends: in virtual time, without processes."""

import errno
import logging
import math
import random
from collections.abc import Callable
from itertools import pairwise
from signal import SIGINT, SIGKILL, SIGTERM

import attrs
import pytest
import trio
import trio.testing

from trio_calls.cli.workers import GRACE_SECONDS, REFUSED, Supervisor, Worker

START_SECONDS = 1.0
DRAIN_SECONDS = 60.0

pytestmark = [pytest.mark.usefixtures("longest_delays"), pytest.mark.slow]


@pytest.fixture
def longest_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: longest)


@attrs.frozen
class Life:
    """What becomes of a worker.

    Attributes:
      serves: whether it gets so far, after `START_SECONDS`.
      ends_after: how long it serves, if nobody ends it.
      status: of that end.
      words: how many words of its supervisor it takes to end it, with status 0.
    """

    serves: bool = True
    ends_after: float = math.inf
    status: int = 0
    words: float = 1


class ScriptedWorker:
    def __init__(self, life: Life) -> None:
        self._life = life
        self._send, self._receive = trio.open_memory_channel[int](math.inf)
        self._serves_since = math.inf
        self.told: list[int] = []
        self.cancelled_at: float | None = None

    @property
    def served_seconds(self) -> float:
        return max(0.0, trio.current_time() - self._serves_since)

    async def run(self, on_serving: Callable[[], object]) -> int:
        try:
            await trio.sleep(START_SECONDS)
            if not self._life.serves:
                return self._life.status
            self._serves_since = trio.current_time()
            on_serving()
            with trio.move_on_after(self._life.ends_after) as life:
                while len(self.told) < self._life.words:
                    self.told.append(await self._receive.receive())
            return self._life.status if life.cancelled_caught else 0
        except trio.Cancelled:
            self.cancelled_at = trio.current_time()
            raise

    def send_signal(self, number: int) -> None:
        self._send.send_nowait(number)


class Rehearsal:
    """A supervisor of workers whose lives are given: later ones are like the last."""

    def __init__(self, *lives: Life, count: int = 2) -> None:
        self.workers: list[ScriptedWorker] = []
        self.starts: list[tuple[float, int]] = []
        self.status: int | None = None
        self.ended_at = math.inf
        self.send_signal, self._signals = trio.open_memory_channel[int](math.inf)
        self._lives = lives
        self._supervisor = Supervisor(count, DRAIN_SECONDS, self._make)

    async def run(self) -> None:
        self.status = await self._supervisor.run(self._signals)
        self.ended_at = trio.current_time()

    def signal(self, number: int) -> None:
        self.send_signal.send_nowait(number)

    def _make(self, number: int) -> ScriptedWorker:
        self.starts.append((trio.current_time(), number))
        worker = ScriptedWorker(self._lives[min(len(self.workers), len(self._lives) - 1)])
        self.workers.append(worker)
        return worker


async def test_the_others_wait_for_the_first_to_serve(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(), count=3)
    nursery.start_soon(rehearsal.run)
    await trio.sleep(5)
    first, *others = rehearsal.starts
    assert first == (0.0, 1)
    assert sorted(others) == [(START_SECONDS, 2), (START_SECONDS, 3)]
    rehearsal.signal(SIGTERM)
    await trio.testing.wait_all_tasks_blocked()
    assert rehearsal.status == 0
    assert [worker.told for worker in rehearsal.workers] == [[SIGTERM]] * 3


@pytest.mark.parametrize(
    ("status", "outcome"), [(1, 1), (3, 3), (REFUSED, 1), (-SIGKILL, 128 + SIGKILL)]
)
async def test_no_worker_ever_serves(
    status: int, outcome: int, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(serves=False, status=status))
    await rehearsal.run()
    assert rehearsal.status == outcome
    assert rehearsal.starts == [(0, 1)]


async def test_one_that_ends_again_and_again_waits_longer_and_longer(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(
        Life(ends_after=0, status=1), Life(serves=False, status=-SIGKILL), count=1
    )
    nursery.start_soon(rehearsal.run)
    await trio.sleep(60)
    times = [time for time, _ in rehearsal.starts]
    waits = [after - before - START_SECONDS for before, after in pairwise(times)]
    assert waits[:7] == [0.5, 1, 2, 4, 8, 10, 10]
    assert caplog.messages[:2] == [
        "worker 1 has ended with status 1; another starts in 0.5 s",
        "worker 1 was ended by SIGKILL; another starts in 1.0 s",
    ]
    nursery.cancel_scope.cancel()


async def test_one_that_has_served_for_long_is_soon_replaced(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(ends_after=100), count=1)
    nursery.start_soon(rehearsal.run)
    await trio.sleep(320)
    assert [time for time, _ in rehearsal.starts] == [0, 101.5, 203, 304.5]
    nursery.cancel_scope.cancel()


async def test_one_that_was_drained_is_replaced_and_no_warning(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    caplog.set_level(logging.INFO)
    rehearsal = Rehearsal(Life(ends_after=100, status=0), Life(), count=1)
    nursery.start_soon(rehearsal.run)
    await trio.sleep(150)
    assert len(rehearsal.starts) == 2
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "worker 1 has ended in good order; another starts in 0.5 s")
    ]
    nursery.cancel_scope.cancel()


async def test_refused_for_good_while_others_serve(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(), Life(ends_after=10, status=REFUSED))
    await rehearsal.run()
    assert rehearsal.status == 1
    assert len(rehearsal.starts) == 2
    assert rehearsal.workers[0].told == [SIGTERM]


async def test_nothing_is_replaced_after_sigterm(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(), Life(ends_after=0, status=1), Life(serves=False, status=1))
    nursery.start_soon(rehearsal.run)
    await trio.sleep(START_SECONDS * 2 + 0.2)  # the second one is to be replaced in 0.3 s
    rehearsal.signal(SIGTERM)
    await trio.testing.wait_all_tasks_blocked()
    assert (rehearsal.status, len(rehearsal.starts)) == (0, 2)


async def test_a_signal_while_the_first_one_starts(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(serves=False, status=143))
    rehearsal.signal(SIGTERM)
    await rehearsal.run()
    assert (rehearsal.status, rehearsal.starts) == (143, [(0, 1)])


@pytest.mark.parametrize(("ended_with", "status"), [(143, 0), (-SIGTERM, 0), (1, 1)])
async def test_a_signal_while_a_replacement_starts(
    ended_with: int,
    status: int,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> None:
    starting = Life(serves=False, status=ended_with)
    rehearsal = Rehearsal(Life(), Life(ends_after=0, status=-SIGKILL), starting)
    nursery.start_soon(rehearsal.run)
    await trio.sleep(START_SECONDS * 2 + 1)  # the second one was replaced after 0.5 s
    rehearsal.signal(SIGTERM)
    await trio.sleep(START_SECONDS)
    assert (rehearsal.status, len(rehearsal.starts)) == (status, 3)


@pytest.mark.parametrize(
    ("signals", "status"), [((SIGTERM, SIGTERM), 143), ((SIGTERM, SIGINT), 130), ((SIGINT,), 130)]
)
async def test_signals_that_end_the_calls(
    signals: tuple[int, ...],
    status: int,
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> None:
    rehearsal = Rehearsal(Life(words=len(signals)))
    nursery.start_soon(rehearsal.run)
    await trio.sleep(5)
    for number in signals:
        rehearsal.signal(number)
    await trio.testing.wait_all_tasks_blocked()
    assert rehearsal.status == status
    assert [worker.told for worker in rehearsal.workers] == [list(signals)] * 2


@pytest.mark.parametrize(
    ("signals", "status", "patience"),
    [
        ((SIGTERM,), 137, DRAIN_SECONDS + GRACE_SECONDS),
        ((SIGTERM, SIGTERM), 143, GRACE_SECONDS),
        ((SIGINT,), 130, GRACE_SECONDS),
        ((SIGTERM, SIGTERM, SIGTERM), 143, 0),
        ((SIGINT, SIGINT), 130, 0),
    ],
)
async def test_a_worker_that_does_not_end(
    signals: tuple[int, ...], status: int, patience: float, autojump_clock: trio.testing.MockClock
) -> None:
    rehearsal = Rehearsal(Life(words=math.inf))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rehearsal.run)
        await trio.sleep(5)
        for number in signals:
            rehearsal.signal(number)
    assert rehearsal.status == status
    assert rehearsal.workers[0].cancelled_at == 5 + patience


async def test_a_worker_that_cannot_be_started_is_tried_again(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    rehearsal = Rehearsal(Life(), Life(ends_after=1, status=3), Life())
    make, fails = rehearsal._supervisor._make_worker, [True, True]

    def make_or_fail(number: int) -> Worker:
        if len(rehearsal.workers) == 2 and fails:
            fails.pop()
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return make(number)

    rehearsal._supervisor._make_worker = make_or_fail
    nursery.start_soon(rehearsal.run)
    await trio.sleep(60)
    assert rehearsal.status is None
    assert [number for _, number in rehearsal.starts] == [1, 2, 2]
    assert caplog.text.count("worker 2 cannot be started") == 2
    rehearsal.signal(SIGTERM)
    await trio.testing.wait_all_tasks_blocked()
    assert rehearsal.status == 0
