"""An exchange that takes nothing any more, though the connection stands."""

import pytest
import trio

from tests.support.clogged_pipes import Pipes
from tests.support.peers.exchange import FakeExchange
from trio_calls import CallState


@pytest.fixture
async def pipes(exchange: FakeExchange) -> Pipes:
    open_stream = exchange.config().open_stream
    assert open_stream is not None
    return Pipes(open_stream)


async def test_a_blocked_control_connection_is_replaced(
    exchange: FakeExchange, pipes: Pipes
) -> None:
    async with exchange.open_client(open_stream=pipes) as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        await exchange.answer(call)
        pipes.opened[0].is_blocked = True
        await control.offer("t")  # claimed, but the claim does not get through
        renewed = await exchange.control()
        # After the heartbeat's 25 s come 2 s of trying to close in good order.
        assert 27 <= exchange.attempts[-1].time <= 28
        await renewed.ring("t")
        await switchboard.next_call()
        assert call.state is CallState.ANSWERED


async def test_a_blocked_media_connection_ends_its_call(
    exchange: FakeExchange, pipes: Pipes
) -> None:
    settings = {"open_stream": pipes, "send_buffer_bytes": 9600}
    async with exchange.open_client(**settings) as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        pipes.opened[1].is_blocked = True
        for _ in range(50):
            await media.grant(10 * 48_000)
        sent = 0
        while call.statistics().unheard_bytes == 0:
            await call.send_audio(bytes(960))
            sent += 960
            assert call.statistics().queued_bytes <= 9600
        dropped = call.statistics().unheard_bytes
        assert sent - dropped <= 9600 + 960  # what is on its way
        assert call.state is CallState.DISCONNECTED
        assert trio.current_time() == 25


async def test_a_blocked_exchange_does_not_hold_up_who_leaves(
    exchange: FakeExchange, pipes: Pipes
) -> None:
    async with exchange.open_client(open_stream=pipes) as (_, control, switchboard):
        await control.ring("s")
        await exchange.answer(await switchboard.next_call())
        for pipe in pipes.opened:
            pipe.is_blocked = True
        leaving_at = trio.current_time()
    # 2 s of grace for the calls, and 2 s for the goodbye on the control connection.
    assert trio.current_time() - leaving_at <= 4
