"""A short soak, so that it never rots; and that it finds what it is there to find."""

import logging

import pytest

from benchmarks.soak.accounts import Totals
from benchmarks.soak.agents import open_local_agent
from benchmarks.soak.load import Load
from tests.support.transports import on_one_transport
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.received_audio import AudioStream
from trio_calls.simulator import open_simulator
from trio_calls.transport import WebSocket

pytestmark = pytest.mark.slow


async def soak(seconds: float, seed: int = 1) -> tuple[Totals, int]:
    """Have a load in this process. Returns its totals, and how many tasks it has left."""
    async with (
        open_simulator(seed=seed) as simulator,
        open_local_agent(simulator.config) as agent,
    ):
        load = Load(simulator, agent, seed)
        before = await agent.measure()
        await load.run(seconds, at_once=4)
        after = await agent.measure()
        return load.totals, after.tasks - before.tasks


@pytest.fixture(autouse=True)
def no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # dozens of faults, each on purpose


async def test_a_short_soak_finds_nothing() -> None:
    totals, leaked_tasks = await soak(seconds=15)
    assert set(totals.faulty().values()) == {0}, totals
    assert leaked_tasks == 0
    assert totals.calls > 8
    assert totals.faults.total() > 3
    assert totals.bytes_to_agent > 5 * 48_000
    assert totals.bytes_from_agent > 5 * 48_000


@on_one_transport
async def test_a_soak_finds_audio_that_was_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    deliver = AudioStream._deliver
    count = 0

    def deliver_most(stream: AudioStream, pcm: bytes) -> int:
        nonlocal count
        count += 1
        return deliver(stream, pcm) if count % 100 else 0

    monkeypatch.setattr(AudioStream, "_deliver", deliver_most)
    totals, _ = await soak(seconds=2)
    assert 0 < totals.lost_to_agent <= count // 100 * 960
    assert totals.losses


@on_one_transport
async def test_a_soak_finds_audio_that_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    transmit = MediaWriter._transmit

    def transmit_silence(writer: MediaWriter, websocket: WebSocket, *messages: str | bytes) -> None:
        if writer._audio.sent_position > 30_000 and isinstance(messages[0], bytes):
            messages = tuple(bytes(len(message)) for message in messages)
        transmit(writer, websocket, *messages)

    monkeypatch.setattr(MediaWriter, "_transmit", transmit_silence)
    totals, _ = await soak(seconds=2)
    assert totals.lost_from_agent > 0
