"""What is counted of a client and its calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.metrics import read_metrics
from tests.support.peers.exchange import FakeExchange
from tests.support.phone_calls import speech
from tests.support.voice_agents import loudness
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallClient
from trio_calls.config import WireName
from trio_calls.simulator import SimulatedCall, Simulator, answers, stall
from trio_calls.telemetry._exposition import write_metrics
from trio_calls.telemetry._watch import ClientWatch, open_watch
from trio_calls.testing import run_agent
from trio_calls.voice import open_voice
from trio_calls.wire.first.control import SessionClosed

SECOND = 48_000


def read(watch: ClientWatch) -> dict[str, float]:
    """Return the present samples, without the prefix that all have."""
    text = write_metrics(watch.report_now().numbers, "")[0].decode()
    samples = read_metrics(text)
    assert all(name.startswith("trio_calls_") for name in samples)
    return {name.removeprefix("trio_calls_"): value for name, value in samples.items()}


@asynccontextmanager
async def watched_call(
    simulator: Simulator, handler: object, ring_seconds: float = 1
) -> AsyncIterator[tuple[SimulatedCall, ClientWatch, CallClient]]:
    """Watch an agent that has a call."""
    async with (
        run_agent(handler, simulator) as client,  # type: ignore[arg-type]
        open_watch(client) as watch,
    ):
        call = simulator.place_call(pickup=answers(after_seconds=ring_seconds))
        yield call, watch, client
        call.caller.hang_up()
        await call.wait_agent_left()


async def test_a_call_from_its_offer_to_its_end(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await trio.sleep(2)
        await call.answer()
        await trio.sleep(2)
        await call.connect()
        await call.wait_disconnected()
        await trio.sleep(1)

    async with watched_call(simulator, handle) as (call, watch, _):
        await trio.sleep(1)
        assert read(watch)['calls{state="pending"}'] == 1
        await trio.sleep(2)
        samples = read(watch)
        assert samples['calls{state="answered"}'] == 1
        assert samples["offers_seen_total"] == samples["offers_claimed_total"] == 1
        assert samples["offer_to_answer_seconds_count"] == 1
        assert samples["offer_to_answer_seconds_sum"] == pytest.approx(2, abs=0.01)
        await trio.sleep(3)
        samples = read(watch)
        assert samples['calls{state="connected"}'] == 1
        # It was answered before: the callee's picking up is no second answer.
        assert samples["offer_to_answer_seconds_count"] == 1
        call.caller.hang_up()
        await trio.sleep(0.5)
        samples = read(watch)
        assert samples['calls{state="disconnected"}'] == 1
        assert samples['calls_ended_total{cause="caller"}'] == 1
        await trio.sleep(1)
        samples = read(watch)
        assert sum(samples[name] for name in samples if name.startswith("calls{")) == 0
        assert samples['calls_ended_total{cause="caller"}'] == 1


async def test_a_call_that_is_connected_unanswered(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.connect()
        await call.wait_disconnected()

    async with watched_call(simulator, handle, ring_seconds=7) as (_, watch, _):
        await trio.sleep(8)
        assert read(watch)["offer_to_answer_seconds_sum"] == pytest.approx(7, abs=0.01)


#: Why a call cannot be had, as each wire says it, and what that is counted as.
LOSSES = {
    "first": {"SESSION_BUSY": "busy", "SESSION_NOT_FOUND": "hung_up", "QUOTA_EXCEEDED": "refused"},
    # Who was too late is told no more than that.
    "second": {"CALL_NOT_FOUND": "hung_up", "INVALID_REQUEST": "refused"},
}


async def test_offers_that_are_lost(exchange: FakeExchange, wire: WireName) -> None:
    losses = LOSSES[wire]
    async with exchange.open_client() as (client, control, _), open_watch(client) as watch:
        await control.offer(*losses)
        for code in losses:
            await control.refuse(code, code)
        await trio.testing.wait_all_tasks_blocked()
        samples = read(watch)
        assert samples["offers_seen_total"] == len(losses)
        assert samples["offers_claimed_total"] == 0
        lost = {
            name: count
            for name, count in samples.items()
            if name.startswith("offers_lost_total") and count
        }
        assert lost == {f'offers_lost_total{{reason="{reason}"}}': 1 for reason in losses.values()}


async def test_reconnects(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _), open_watch(client) as watch:
        samples = read(watch)
        assert (samples["connected_workers"], samples["reconnects_total"]) == (1, 0)
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        samples = read(watch)
        assert (samples["connected_workers"], samples["reconnects_total"]) == (0, 0)
        await exchange.control()
        await trio.testing.wait_all_tasks_blocked()
        samples = read(watch)
        assert (samples["connected_workers"], samples["reconnects_total"]) == (1, 1)


@on_the_first_wire  # the second says nothing of a call that ends before it is answered
async def test_saturation_counts_what_a_gauge_would_miss(exchange: FakeExchange) -> None:
    async with (
        exchange.open_client(max_concurrent_calls=2) as (client, control, _),
        open_watch(client) as watch,
    ):
        await control.ring("a")
        await trio.sleep(5)
        samples = read(watch)
        assert samples["capacity_calls"] == 2
        assert samples["load_ratio"] == 0.5
        assert samples["saturated_seconds_total"] == 0
        await control.ring("b")
        await trio.sleep(3)
        samples = read(watch)
        assert samples["load_ratio"] == 1
        assert samples["saturated_seconds_total"] == 3
        await trio.sleep(1)
        await control.send(SessionClosed("b"))
        await trio.sleep(10)
        samples = read(watch)
        assert samples["load_ratio"] == 0.5
        assert samples["saturated_seconds_total"] == 4


async def test_without_a_limit_there_is_no_load(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _), open_watch(client) as watch:
        await control.ring("a")
        await trio.testing.wait_all_tasks_blocked()
        samples = read(watch)
        assert samples["capacity_calls"] == float("inf")
        assert samples["load_ratio"] == 0


async def test_audio_that_is_dropped_stays_counted(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        stream = call.audio_stream()
        await call.wait_disconnected()
        del stream

    async with watched_call(simulator, handle) as (call, watch, _):
        await trio.sleep(12)
        samples = read(watch)
        # The newest 10 s are kept.
        assert samples["dropped_frames_total"] == pytest.approx(2 / 0.02, abs=5)
        assert samples["received_bytes_total"] == pytest.approx(12 * SECOND, rel=0.02)
        call.caller.hang_up()
        await call.wait_agent_left()
        await trio.sleep(1)
        after = read(watch)
        assert after["dropped_frames_total"] >= samples["dropped_frames_total"]
        assert after["received_bytes_total"] >= samples["received_bytes_total"]


async def test_speech_that_the_exchange_does_not_ask_for(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1, 20))
        await call.wait_disconnected()

    async with watched_call(simulator, handle) as (call, watch, _):
        await trio.sleep(3)
        assert read(watch)["credit_starved_seconds_total"] == 0
        simulator.inject(stall(seconds=4), call=call)
        await trio.sleep(6)
        samples = read(watch)
        assert samples["credit_starved_seconds_total"] == pytest.approx(4, abs=0.6)
        assert samples["sent_bytes_total"] > 0


async def test_how_long_the_caller_waits_for_the_agent(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async with open_voice(call, detector=loudness) as voice:
            async for _ in voice.utterances():
                await trio.sleep(0.5)
                await voice.say(speech(1, 0.5))

    async with watched_call(simulator, handle) as (call, watch, _):
        await trio.sleep(0.5)
        for _ in range(2):
            await call.caller.say(speech(2, 1.0))
            await trio.sleep(3)
        samples = read(watch)
        assert samples["reaction_seconds_count"] == 2
        assert samples["reaction_seconds_sum"] == pytest.approx(2 * (0.7 + 0.5), abs=0.3)
        assert samples['reaction_seconds_bucket{le="1.5"}'] == 2
        assert samples['reaction_seconds_bucket{le="1.0"}'] == 0


async def test_a_task_that_holds_the_event_loop_up(
    exchange: FakeExchange, mock_clock: trio.testing.MockClock
) -> None:
    mock_clock.autojump_threshold = 0
    async with exchange.open_client() as (client, _, _), open_watch(client) as watch:
        await trio.sleep(10.1)
        samples = read(watch)
        assert samples["event_loop_lag_seconds_count"] == 40
        assert samples['event_loop_lag_seconds_bucket{le="0.001"}'] == 40
        # As if something had computed for so long.
        mock_clock.jump(3)
        await trio.sleep(0.1)
        samples = read(watch)
        assert samples["event_loop_lag_seconds_count"] == 41
        assert samples["event_loop_lag_seconds_sum"] == pytest.approx(2.85, abs=0.01)
        assert samples['event_loop_lag_seconds_bucket{le="2.5"}'] == 40


async def test_who_comes_late_sees_the_calls_in_progress(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring("a")
        call = await switchboard.next_call()
        await trio.sleep(5)
        async with open_watch(client) as watch:
            samples = read(watch)
            assert samples['calls{state="pending"}'] == 1
            await exchange.answer(call)
            samples = read(watch)
            assert samples['calls{state="answered"}'] == 1
            # Nobody has seen when it was offered.
            assert samples["offer_to_answer_seconds_count"] == 0


async def test_two_watch_at_once_and_leave(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _), open_watch(client) as first:
        async with open_watch(client) as second:
            await control.ring("a")
            await trio.testing.wait_all_tasks_blocked()
            assert read(first)["offers_seen_total"] == read(second)["offers_seen_total"] == 1
        await control.ring("b")
        await trio.testing.wait_all_tasks_blocked()
        assert read(first)["offers_seen_total"] == 2
        assert read(second)["offers_seen_total"] == 1
