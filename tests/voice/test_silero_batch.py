"""Silero's model for many streams: together, in time, and with nothing lost on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pytest
import trio
from numpy.typing import NDArray

from tests.support.cancellation import Canceller, Moment
from tests.support.sounds import SPEECH_NAMES, probabilities, speech
from trio_calls.audio import FRAME_SECONDS
from trio_calls.voice import Detector, DetectorError, SileroBatch, SileroDetector
from trio_calls.voice._detector import probability_of_speech
from trio_calls.voice._silero import SileroStream

pytestmark = pytest.mark.pure

WINDOW: Final = 1024
WINDOW_SECONDS: Final = 0.032
#: A window waits no longer; the rest is what the test itself takes in passes of the event loop.
LONGEST_SECONDS: Final = 0.010001


class CountingModel:
    """Tells the first sample of a window, and what it was told of the stream, as probability."""

    sample_rate = 16000
    window_samples = 512

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.fails = False

    def new_stream(self) -> SileroStream:
        return SileroStream(64)

    def probabilities(
        self, streams: Sequence[SileroStream], windows: Sequence[bytes]
    ) -> NDArray[np.float64]:
        self.batches.append(len(streams))
        assert len(set(map(id, streams))) == len(streams)
        if self.fails:
            raise RuntimeError("out of memory")
        for stream, window in zip(streams, windows, strict=True):
            stream.memory[0, 0] += window[0]
        return np.array([stream.memory[0, 0] / 1000 for stream in streams])


@pytest.fixture
def model() -> CountingModel:
    return CountingModel()


@pytest.fixture
def batch(model: CountingModel) -> SileroBatch:
    made = SileroBatch()
    made._model = model  # type: ignore[misc, assignment]
    return made


def window(number: int = 1) -> bytes:
    # Loud at its end: silence would be passed over.
    return bytes([number]) + bytes(WINDOW - 2) + b"\x40"


async def tell(detector: Detector, pcm: bytes) -> float:
    return await probability_of_speech(detector, pcm)


def nothing_waits(batch: SileroBatch) -> bool:
    return not batch._waiting and batch._leader is None


class TestWithTheModel:
    async def test_many_streams_are_told_what_each_is_alone(self) -> None:
        said = [speech(name, 16000)[: 40 * WINDOW] for name in SPEECH_NAMES] * 2
        batch = SileroBatch()
        told: dict[int, list[float]] = {}

        async def listen(number: int, rng: random.Random) -> None:
            detector = batch.detector()
            told[number] = []
            for start in range(0, len(said[number]), WINDOW):
                await trio.sleep(rng.uniform(0.5, 1.5) * WINDOW_SECONDS)
                told[number] += await probabilities(detector, said[number][start : start + WINDOW])

        async with trio.open_nursery() as nursery:
            for number in range(len(said)):
                nursery.start_soon(listen, number, random.Random(number))
        for number, pcm in enumerate(said):
            alone = await probabilities(SileroDetector(), pcm)
            assert told[number] == pytest.approx(alone, abs=1e-4)

    async def test_a_cancelled_window_leaves_the_others_right(self) -> None:
        said = speech("greeting", 16000)[: 30 * WINDOW]
        batch = SileroBatch()
        told: list[float] = []

        async def listen() -> None:
            told.extend(await probabilities(batch.detector(), said))

        async def give_up() -> None:
            for _ in range(30):
                with trio.move_on_after(0.001):
                    await tell(batch.detector(), said[:WINDOW])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            for _ in range(3):
                nursery.start_soon(give_up)
        assert told == pytest.approx(await probabilities(SileroDetector(), said), abs=1e-4)


class Streams:
    """Streams that are fed a window each 32 ms, each at a moment of its own.

    Attributes:
        longest_wait: of a window, in seconds.
    """

    def __init__(self, batch: SileroBatch, count: int) -> None:
        self.longest_wait = 0.0
        self._batch = batch
        self._count = count

    async def run(self, seconds: float) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(self._count):
                nursery.start_soon(self._feed, number, seconds)

    async def _feed(self, number: int, seconds: float) -> None:
        detector = self._batch.detector()
        began = trio.current_time() + random.Random(number).uniform(0, WINDOW_SECONDS)
        for index in range(round(seconds / WINDOW_SECONDS)):
            await trio.sleep_until(began + index * WINDOW_SECONDS)
            asked = trio.current_time()
            assert await tell(detector, window()) == pytest.approx((index + 1) / 1000)
            self.longest_wait = max(self.longest_wait, trio.current_time() - asked)


class TestInTime:
    async def test_one_stream_waits_for_nobody(
        self, batch: SileroBatch, model: CountingModel
    ) -> None:
        streams = Streams(batch, 1)
        await streams.run(1)
        assert streams.longest_wait == 0
        assert set(model.batches) == {1}

    @pytest.mark.parametrize(("count", "mean"), [(2, 1), (5, 1), (25, 6), (200, 15)])
    async def test_no_window_waits_longer_than_10_ms(
        self, batch: SileroBatch, model: CountingModel, count: int, mean: float
    ) -> None:
        streams = Streams(batch, count)
        await streams.run(1)
        assert streams.longest_wait <= LONGEST_SECONDS
        assert mean <= np.mean(model.batches) <= max(model.batches) <= 16
        assert sum(model.batches) == count * 31
        assert nothing_waits(batch)

    async def test_those_of_the_same_moment_go_together(
        self, batch: SileroBatch, model: CountingModel
    ) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(tell, batch.detector(), window())
        assert sorted(model.batches) == [8, 16, 16]

    async def test_a_wait_of_0_takes_those_of_the_same_moment(self, model: CountingModel) -> None:
        batch = SileroBatch(max_wait_seconds=0)
        batch._model = model  # type: ignore[misc, assignment]
        streams = Streams(batch, 100)
        await streams.run(1)
        assert streams.longest_wait == 0

    @pytest.mark.parametrize("seconds", [-1, 1.1, float("nan"), "1", None, True])
    def test_a_wait_that_makes_no_sense(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="max_wait_seconds must be a number of seconds"):
            SileroBatch(max_wait_seconds=seconds)


def attempts(moment: Moment) -> Iterator[Canceller]:
    for number in range(200):
        canceller = Canceller(moment, number)
        yield canceller
        if not canceller.has_struck:
            return
    raise AssertionError("feeding does not come to an end")


class TestCancelled:
    @pytest.mark.parametrize("moment", list(Moment))
    @pytest.mark.parametrize("others", [0, 1, 5, 14, 15, 16, 40])
    @pytest.mark.parametrize("is_first", [True, False])
    async def test_at_each_checkpoint(
        self,
        batch: SileroBatch,
        model: CountingModel,
        moment: Moment,
        others: int,
        is_first: bool,
    ) -> None:
        for order in range(3):
            for attempt in attempts(moment):
                await self._attempt(batch, attempt, others, is_first, order)
                assert nothing_waits(batch)

    async def _attempt(
        self, batch: SileroBatch, attempt: Canceller, others: int, is_first: bool, order: int
    ) -> None:
        detector = batch.detector()
        rng = random.Random(order)
        began = trio.current_time()

        async def cancelled() -> None:
            with attempt.watch() as scope:
                assert await tell(detector, window(7)) == pytest.approx(0.007)
            # The window has been counted, or the stream is as it was: never in between.
            if scope.cancelled_caught:
                assert detector._stream.memory[0, 0] in (0, 7)  # type: ignore[attr-defined]

        async def other(number: int) -> None:
            await trio.sleep(rng.choice([0, 0.001, 0.004]))
            asked = trio.current_time()
            assert await tell(batch.detector(), window(number)) == pytest.approx(number / 1000)
            assert trio.current_time() - asked <= LONGEST_SECONDS

        async with trio.open_nursery() as nursery:
            if is_first:
                nursery.start_soon(cancelled)
                await trio.testing.wait_all_tasks_blocked()
            for number in range(others):
                nursery.start_soon(other, number)
            if not is_first:
                await trio.sleep(0.002)
                nursery.start_soon(cancelled)
        assert trio.current_time() - began < 1
        # It is as if a cancelled window had not been there, or had been there as any other.
        if detector._stream.memory[0, 0] == 0:  # type: ignore[attr-defined]
            assert await tell(detector, window(3)) == pytest.approx(0.003)

    async def test_all_at_once(self, batch: SileroBatch, model: CountingModel) -> None:
        await self._make_busy(batch)
        with trio.move_on_after(0.005) as scope:
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(tell, batch.detector(), window())
        assert scope.cancelled_caught
        assert nothing_waits(batch)
        assert await tell(batch.detector(), window()) == pytest.approx(0.001)

    async def test_who_leads_hands_on_and_the_deadline_stays(
        self, batch: SileroBatch, model: CountingModel
    ) -> None:
        await self._make_busy(batch)
        began = trio.current_time()
        told_at: list[float] = []

        async def feed(after: float, give_up_after: float = 1) -> None:
            await trio.sleep(after)
            with trio.move_on_after(give_up_after):
                await tell(batch.detector(), window())
                told_at.append(trio.current_time() - began)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed, 0, 0.004)
            nursery.start_soon(feed, 0.001, 0.004)
            nursery.start_soon(feed, 0.002)
            nursery.start_soon(feed, 0.003)
        # That of the window that came first among those that are left.
        assert told_at == pytest.approx([0.012, 0.012])
        assert model.batches[-1] == 2

    async def _make_busy(self, batch: SileroBatch) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(tell, batch.detector(), window())

    async def test_a_scope_that_is_cancelled_already(
        self, batch: SileroBatch, model: CountingModel
    ) -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await tell(batch.detector(), window())
        assert scope.cancelled_caught
        assert model.batches == []
        assert nothing_waits(batch)


class TestFailing:
    async def test_each_that_waits_is_told(self, batch: SileroBatch, model: CountingModel) -> None:
        model.fails = True
        failures: list[DetectorError] = []
        detectors = [batch.detector() for _ in range(20)]

        async def fail(detector: Detector) -> None:
            with pytest.raises(DetectorError, match="Silero's model failed: out of mem") as caught:
                await tell(detector, window(5))
            failures.append(caught.value)

        async with trio.open_nursery() as nursery:
            for detector in detectors:
                nursery.start_soon(fail, detector)
        # One each: a traceback that grows in several tasks would be nobody's.
        assert len(set(map(id, failures))) == 20
        assert all(isinstance(failure.__cause__, RuntimeError) for failure in failures)
        assert nothing_waits(batch)
        # No stream has lost or gained anything.
        model.fails = False
        for detector in detectors:
            assert await tell(detector, window(5)) == pytest.approx(0.005)

    async def test_a_stream_is_fed_by_one_task(self, batch: SileroBatch) -> None:
        detector = batch.detector()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell, detector, window())
            await trio.testing.wait_all_tasks_blocked()
            outcomes: list[Any] = []

            async def feed() -> None:
                try:
                    await detector.feed(window())  # type: ignore[misc]
                except trio.BusyResourceError as error:
                    outcomes.append(error)

            async with trio.open_nursery() as inner:
                inner.start_soon(feed)
                inner.start_soon(feed)
        assert len(outcomes) == 1


async def test_feeding_is_always_a_checkpoint(batch: SileroBatch) -> None:
    detector = batch.detector()
    for _ in range(5):
        with trio.testing.assert_checkpoints():
            await tell(detector, window())
        await trio.sleep(FRAME_SECONDS)
