"""Clocks that jump: that of the wall does not matter; Trio's may, after a pause of the machine."""

import random
import time

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.peers.one_call import FakeMedia, frames
from trio_calls import (
    CallState,
    WSSCallCommandTimeoutError,
    open_call_client,
)

A_YEAR = 365 * 24 * 3600


@pytest.fixture
def wild_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock on the wall shows another year."""
    start, years = time.time(), random.Random(1)

    def wild_time() -> float:
        return start + years.uniform(-10, 10) * A_YEAR

    monkeypatch.setattr(time, "time", wild_time)
    monkeypatch.setattr(time, "time_ns", lambda: int(wild_time() * 1e9))


def pass_without_running(seconds: float) -> None:
    """The machine sleeps, or something holds up the whole process; Trio's clock goes on."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, trio.testing.MockClock)
    clock.jump(seconds)


@pytest.mark.usefixtures("wild_wall_clock")
async def test_the_wall_clock_does_not_matter(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        with pytest.raises(WSSCallCommandTimeoutError):
            await call.connect(ring_time_seconds=60)
        assert trio.current_time() == 65
        await trio.sleep(3600)
        for end in (control, media):
            assert end.wire.ping_times == [15.0 * beat for beat in range(1, 245)]
        await control.cut()
        await exchange.control()
        assert exchange.attempts[-1].time <= 3665.5
        assert call.state is CallState.ANSWERED


async def test_a_pause_between_two_pings_costs_nothing(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        await trio.sleep(10)
        pass_without_running(3600)
        await trio.sleep(10)
        for end in (control, media):
            assert end.wire.ping_times == [3610]  # one, and not the 120 that were missed
        assert call.state is CallState.ANSWERED
        assert len(exchange.attempts) == 2
        await trio.sleep(25)
        assert control.wire.ping_times == [3610, 3625, 3640]


async def test_a_pause_during_a_ping_costs_the_connection(
    exchange: FakeExchange,
) -> None:
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        control.wire.go_silent()
        await trio.sleep(16)
        pass_without_running(3600)
        await exchange.control()
        # At once, but for the 2 s of the goodbye and the jitter.
        assert exchange.attempts[-1].time - 3616 <= 2.5


async def test_the_late_answer_to_a_command_held_up_by_a_pause_counts(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_call() as call, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def answer() -> None:
            with pytest.raises(WSSCallCommandTimeoutError):
                await call.answer()
            assert call.state is CallState.PENDING

        command = await fake_media.receive_command("call.answer")
        pass_without_running(3600)
        await trio.testing.wait_all_tasks_blocked()
        await fake_media.succeed(command)
        await trio.testing.wait_all_tasks_blocked()
        assert call.state is CallState.ANSWERED


async def test_a_blocking_handler_loses_nothing_that_came_meanwhile(
    fake_media: FakeMedia,
) -> None:
    said = frames(5)
    async with fake_media.open_answered_call() as call:
        stream = call.audio_stream()
        await trio.testing.wait_all_tasks_blocked()
        for pcm in said:
            await fake_media.speak(pcm)
        pass_without_running(25)
        assert [await anext(stream) for _ in said] == said
        assert call.state is CallState.ANSWERED
        assert call.statistics().dropped_frames == 0
