"""The heartbeat: a control connection whose exchange says nothing any more is replaced."""

import logging
import math

import pytest
import trio

from tests.support.peers.exchange import FakeExchange, Switchboard
from trio_calls import events, open_call_client


async def test_the_exchange_is_pinged_every_15_s(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        await trio.sleep(3605)
        assert control.wire.ping_times == [15.0 * beat for beat in range(1, 241)]
        assert len(exchange.attempts) == 1


async def test_other_frames_do_not_put_the_heartbeat_off(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        for _ in range(70):
            await control.send('{"type":"weather"}')
            await trio.sleep(1)
        assert control.wire.ping_times == [15, 30, 45, 60]


async def test_a_silent_exchange_is_given_up_10_s_after_a_ping(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(switchboard)
        silent = await exchange.control()
        await trio.sleep(15.5)
        assert silent.wire.ping_times == [15]
        silent.wire.go_silent()
        assert len(exchange.attempts) == 1

        control = await exchange.control()
        # The second ping goes unanswered; 2 s for the goodbye, and up to 0.5 s of jitter.
        assert 40 <= exchange.attempts[1].time <= 42.5
        await control.ring("s")
        await switchboard.next_call()
        await trio.sleep(16)
        assert len(control.wire.ping_times) == 1
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "silent for 10 s" in warning.message


async def test_every_connection_has_one_heartbeat(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()):
        for _ in range(3):
            await (await exchange.control()).close()
        control = await exchange.control()
        connected_at = exchange.attempts[-1].time
        await trio.sleep(100)
        expected = [connected_at + beat for beat in (15, 30, 45, 60, 75, 90)]
        assert control.wire.ping_times == pytest.approx(expected)


@pytest.mark.parametrize("seconds", [5, math.inf])
async def test_every_connection_is_pinged_as_often_as_configured(
    exchange: FakeExchange, seconds: float
) -> None:
    async with exchange.open_client(keep_alive_seconds=seconds) as (_, control, switchboard):
        await control.ring("s")
        media = await exchange.answer(await switchboard.next_call())
        await trio.sleep(21)
        expected = [] if seconds == math.inf else [5, 10, 15, 20]
        assert control.wire.ping_times == media.wire.ping_times == expected
