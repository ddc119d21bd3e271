"""`max_concurrent_calls`: so many at once and no more, and the others are not forgotten."""

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.wires import on_the_first_wire
from trio_calls import events, open_call_client
from trio_calls.simulator import open_simulator
from trio_calls.wire.first.control import SessionClosed, SessionOpen


async def test_offers_beyond_the_limit_are_left_until_there_is_room(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client(max_concurrent_calls=2) as (_, control, switchboard):
        await control.offer("first", "second", "third", "fourth")
        await control.grant("first", "second")
        call = await switchboard.next_call()
        await trio.sleep(5)
        assert await control.rest() == []

        await call.close()
        await control.grant("third")
        assert await control.rest() == []
        assert switchboard.held == 2


@pytest.mark.parametrize("limit", [1, 3])
async def test_claims_in_flight_count(exchange: FakeExchange, limit: int) -> None:
    async with exchange.open_client(max_concurrent_calls=limit) as (_, control, _):
        await control.offer(*(f"session-{number}" for number in range(10)))
        assert len(await control.rest()) == limit


async def test_a_claim_that_was_refused_makes_room(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (_, control, switchboard):
        await control.offer("busy", "closed", "free")
        await control.refuse("busy", exchange.words.taken)
        await control.refuse("closed", exchange.words.over)
        await control.grant("free")
        assert (await switchboard.next_call()).call_id == "call of free"


@on_the_first_wire
async def test_an_offer_that_was_withdrawn_is_not_taken_up(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (_, control, _):
        await control.ring("first")
        await control.offer("withdrawn", "last")
        await control.send(SessionClosed("withdrawn"), SessionClosed("first"))
        await control.grant("last")
        assert await control.rest() == []


@on_the_first_wire
async def test_waiting_offers_do_not_outlive_their_connection(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (_, control, switchboard):
        await control.ring("first")
        await control.offer("hung up meanwhile", "still rings")
        exchange.greeting = []
        call = await switchboard.next_call()
        await control.cut()
        renewed = await exchange.control()
        await renewed.offer("first", "still rings")
        await renewed.grant("first")
        await renewed.send(SessionClosed("first"))
        await call.wait_disconnected()
        assert (await renewed.expect(SessionOpen)).session_id == "still rings"
        assert await renewed.rest() == []


async def test_a_limited_worker_does_everything_without_overload() -> None:
    switchboard = Switchboard()
    most = 0
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        config = attrs.evolve(simulator.config, max_concurrent_calls=3)
        async with open_call_client(config) as client:
            client.on(events.INCOMING_CALL)(switchboard)
            calls = [simulator.place_call() for _ in range(30)]

            async def hang_up_as_they_come() -> None:
                nonlocal most
                for _ in calls:
                    call = await switchboard.next_call()
                    await trio.testing.wait_all_tasks_blocked()
                    most = max(most, switchboard.held)
                    nursery.start_soon(call.disconnect)
                    await call.wait_disconnected()

            await hang_up_as_they_come()
            for placed in calls:
                await placed.wait_ended()
    assert most == 3
    assert len({call.call_id for call in switchboard.calls}) == 30
    assert simulator.violations == []
