"""The figures of the page on planning, and of that on deployment, are those that were measured."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import trio

from benchmarks.agents.ours import echo
from benchmarks.report import RESULTS
from docs.planning_figures import (
    DEPLOYMENT_PAGE,
    PLANNING_PAGE,
    SIZES,
    Figures,
    Fleet,
    Wire,
    with_tables,
)
from tests.support.metrics import read_metrics
from trio_calls import serve_calls
from trio_calls.audio import noise
from trio_calls.config import StreamOpener
from trio_calls.simulator import open_simulator
from trio_calls.telemetry._exposition import write_metrics
from trio_calls.telemetry._numbers import Numbers

pytestmark = pytest.mark.pure

FIGURES = Figures.load()
PAGE = PLANNING_PAGE.read_text("utf-8")
TEXT = " ".join(PAGE.split())


@pytest.mark.parametrize("page", [PLANNING_PAGE, DEPLOYMENT_PAGE], ids=lambda page: page.stem)
def test_the_tables_are_current(page: Path) -> None:
    text = page.read_text("utf-8")
    assert with_tables(text, FIGURES) == text, "run python docs/planning_figures.py"


class CountedStream(trio.abc.Stream):
    """A stream that counts what goes through it."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.sent = self.received = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += len(data)
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        self.received += len(data)
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


def counted(open_stream: StreamOpener | None, streams: list[CountedStream]) -> StreamOpener:
    assert open_stream is not None

    async def open_counted(host: str, port: int) -> trio.abc.Stream:
        streams.append(CountedStream(await open_stream(host, port)))
        return streams[-1]

    return open_counted


@pytest.mark.parametrize("rate", [8000, 24000])
async def test_a_call_takes_so_many_bytes_a_second(rate: int) -> None:
    streams: list[CountedStream] = []
    async with open_simulator(sample_rate=rate) as simulator, trio.open_nursery() as nursery:
        open_stream = counted(simulator.config.open_stream, streams)
        config = attrs.evolve(simulator.config, open_stream=open_stream)
        await nursery.start(serve_calls, echo, config)
        call = simulator.place_call()
        nursery.start_soon(call.caller.say, noise(10, rate, 1))
        await call.caller.wait_talking()
        await trio.sleep(2)
        # A connection for each call, and one more.
        _, media = streams
        sent, received = media.sent, media.received
        await trio.sleep(5)
        wire = Wire(rate)
        assert (media.sent - sent) / 5 == pytest.approx(wire.sent, rel=0.001)
        assert (media.received - received) / 5 == pytest.approx(wire.received, rel=0.001)
        nursery.cancel_scope.cancel()


def test_as_many_series_as_a_worker_has() -> None:
    assert len(read_metrics(write_metrics(Numbers(), "")[0].decode())) == FIGURES.series


def test_what_the_text_says_of_the_figures() -> None:
    benchmarks = (RESULTS.parent / "README.md").read_text("utf-8")
    assert "A core carries 600 calls" in benchmarks
    assert 2 <= 600 / FIGURES.carried("echo-alone") <= 3
    assert "two to three times as long" in TEXT
    assert 1.7 <= FIGURES.carried("echo-alone") / FIGURES.carried("voice-silero") <= 2.3
    assert "about half as many agents that listen" in TEXT
    assert round(FIGURES.planning.descriptors_per_call) == 1
    assert FIGURES.planning.idle_descriptors + 600 < 1024


def test_what_the_text_says_of_the_sizes() -> None:
    small, middle, large = (Fleet(FIGURES, calls) for calls in SIZES)
    assert small.workers == 1
    wire = Wire(24000)
    assert 0.4e9 < middle.calls * wire.on_the_line(wire.received) < 0.6e9
    assert "a connection of 1 Gbit/s is half full" in TEXT
    assert middle.lost_share < 0.05 < large.lost_share
    assert large.calls / 50 == 2000 < FIGURES.most_calls_by_broadcast


def test_replacing_workers_keeps_its_promises() -> None:
    assert FIGURES.rolling.broken_promises() == []
    assert len(FIGURES.rolling.replacements) == FIGURES.rolling.plan.workers >= 2
