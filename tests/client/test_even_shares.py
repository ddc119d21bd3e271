"""Several real clients beside each other: who has less to do is faster. In virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.control_words import offer
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallClient, events, open_call_client
from trio_calls.simulator import Simulator
from trio_calls.wire.first.control import SessionClosed, SessionNotify, SessionOpen
from trio_calls.wire.first.control_wire import FirstControl

pytestmark = on_the_first_wire

#: Another connection, to which the exchange has given what was claimed.
SOMEBODY = "somebody else"


@asynccontextmanager
async def fleet(simulator: Simulator, *capacities: int) -> AsyncIterator[list[CallClient]]:
    """Clients of one exchange, each of which holds its calls."""
    async with AsyncExitStack() as stack:
        clients = []
        for capacity in capacities:
            config = attrs.evolve(simulator.config, max_concurrent_calls=capacity)
            client = await stack.enter_async_context(open_call_client(config))
            client.on(events.INCOMING_CALL)(Switchboard())
            clients.append(client)
        yield clients
        simulator.end_all_calls()


@on_one_transport
@pytest.mark.parametrize("pause", [0.0, 0.02, 1.0])
async def test_all_have_their_shares(simulator: Simulator, pause: float) -> None:
    capacities = (10, 20, 30, 60)
    async with fleet(simulator, *capacities) as clients:
        for _ in range(60):
            simulator.place_call()
            await trio.sleep(pause)
        await trio.sleep(0.2)
        calls = [len(client.calls) for client in clients]
        assert sum(calls) == 60
        for held, capacity in zip(calls, capacities, strict=True):
            # Three are claimed before anything is known.
            assert (held - 3) / capacity < 0.5 + 0.15, calls
            assert held / capacity > 0.5 - 0.3, calls


@on_one_transport
async def test_who_comes_later_catches_up(simulator: Simulator) -> None:
    async with fleet(simulator, 20, 20) as (first, second):
        for _ in range(20):
            simulator.place_call()
            await trio.sleep(0.5)
        config = attrs.evolve(simulator.config, max_concurrent_calls=20)
        async with open_call_client(config) as third:
            third.on(events.INCOMING_CALL)(Switchboard())
            for _ in range(10):
                simulator.place_call()
                await trio.sleep(0.5)
            assert [len(client.calls) for client in (first, second, third)] == [10, 10, 10]


@on_one_transport
async def test_alone_nobody_waits(simulator: Simulator) -> None:
    async with fleet(simulator, 30) as (client,):
        for number in range(30):
            simulator.place_call()
            await trio.testing.wait_all_tasks_blocked()
            # One of them finds out that there is nobody.
            if len(client.calls) == number:
                assert number == 3
                await trio.sleep(0.15)
            assert len(client.calls) == number + 1


async def hold(control: ControlEnd, calls: int) -> None:
    """Let a worker know that there are others, and have so many calls."""
    await control.offer("taken")
    await control.refuse("taken", "SESSION_BUSY", SOMEBODY)
    for number in range(calls):
        await control.ring(f"held-{number}")


async def claims_at(control: ControlEnd, session_id: str) -> float:
    """When the claim comes, counted from now."""
    began = trio.current_time()
    await control.expect_claim(session_id)
    return trio.current_time() - began


@pytest.mark.parametrize("calls", [0, 1, 5, 9])
async def test_the_wait_is_that_of_the_load(exchange: FakeExchange, calls: int) -> None:
    async with exchange.open_client(max_concurrent_calls=10) as (_, control, _):
        await hold(control, calls)
        await control.offer("s")
        assert await claims_at(control, "s") == pytest.approx(0.015 * calls, rel=0.051)


async def test_without_a_limit_nobody_waits(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, _):
        await hold(control, 9)
        await control.offer("s")
        assert await claims_at(control, "s") == 0


async def test_nobody_waits_where_one_is_told_only(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FirstControl, "offers_to_all", False)
    async with exchange.open_client(max_concurrent_calls=10) as (_, control, _):
        await hold(control, 9)
        await control.offer("s")
        assert await claims_at(control, "s") == 0


async def test_room_that_is_made_shortens_the_wait(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=10) as (_, control, _):
        await hold(control, 9)
        await control.offer("s")
        await trio.sleep(0.03)
        for number in range(9):
            await control.send(SessionClosed(f"held-{number}"))
        assert await claims_at(control, "s") == 0


async def test_a_failure_is_load(exchange: FakeExchange) -> None:
    async def handle(call: ActiveCall) -> None:
        if call.call_id != "call of fails":
            await call.wait_disconnected()
        raise RuntimeError("out of order")

    async with open_call_client(exchange.config(max_concurrent_calls=10)) as client:
        client.on(events.INCOMING_CALL)(handle)
        control = await exchange.control()
        await hold(control, 2)
        await control.ring("fails")
        await (await exchange.media()).accept("call.disconnect")
        await trio.testing.wait_all_tasks_blocked()
        await control.offer("s")
        assert await claims_at(control, "s") == pytest.approx(0.15 * (0.2 + 1 / 3), rel=0.051)


async def test_an_offer_is_withdrawn_while_it_waits(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=10) as (_, control, _):
        await hold(control, 9)
        await control.offer("s")
        await trio.sleep(0.05)
        await control.send(SessionClosed("s"))
        await trio.sleep(1)
        assert await control.rest() == []


async def test_a_repeated_offer_does_not_wait_anew(exchange: FakeExchange) -> None:
    resumed = attrs.evolve(offer("s"), activity="RESUME")
    assert isinstance(resumed, SessionNotify)
    async with exchange.open_client(max_concurrent_calls=2) as (_, control, _):
        await hold(control, 1)
        await control.offer("s")
        await trio.sleep(0.06)
        await control.send(resumed)
        assert await claims_at(control, "s") == pytest.approx(0.015, abs=0.004)
        assert await control.rest() == []


async def test_what_was_offered_before_the_handler_waits_no_longer(
    exchange: FakeExchange,
) -> None:
    async with open_call_client(exchange.config(max_concurrent_calls=2)) as client:
        control = await exchange.control()
        await control.offer("a", "b")
        await trio.sleep(1)
        began = trio.current_time()
        client.on(events.INCOMING_CALL)(Switchboard())
        await control.grant("a", "b")
        assert trio.current_time() == began


async def test_the_connection_is_lost_while_an_offer_waits(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=10) as (_, control, _):
        await hold(control, 9)
        await control.offer("s")
        await control.cut()
        renewed = await exchange.control()
        await renewed.offer("s")
        for _ in range(9):
            assert (await renewed.expect(SessionOpen)).session_id.startswith("held")
        assert await claims_at(renewed, "s") == pytest.approx(0.135, rel=0.051)


async def test_a_drain_leaves_what_waits_to_others(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=10) as (client, control, _):
        await hold(control, 9)
        await control.offer("s")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.drain)
            await trio.sleep(1)
            assert await control.rest() == []
            nursery.cancel_scope.cancel()


async def test_leaving_the_client_while_an_offer_waits(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=10) as (_, control, _):
        await hold(control, 9)
        await control.offer("s")
        await trio.testing.wait_all_tasks_blocked()
        left_at = trio.current_time()
    assert trio.current_time() < left_at + 2.1
    # `no_task_left` sees that nothing is behind.


async def test_a_call_is_left_while_an_offer_waits(exchange: FakeExchange) -> None:
    """That is less load, and what waits is claimed when it is due then."""
    async with exchange.open_client(max_concurrent_calls=4) as (_, control, switchboard):
        await hold(control, 3)
        calls = [await switchboard.next_call() for _ in range(3)]
        await control.offer("s")
        await trio.sleep(0.05)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(calls[0].disconnect)
            await (await exchange.media()).accept("call.disconnect")
        assert await claims_at(control, "s") == pytest.approx(0.025, abs=0.004)
