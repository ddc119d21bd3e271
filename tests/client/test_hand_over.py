"""A call that goes to another process: who has it, and what this one does with its offers."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import (
    ActiveCall,
    CallState,
    EndCause,
    WSSCallEndedError,
    WSSCallStateError,
    events,
    open_call_client,
)
from trio_calls.sessions import HandOver
from trio_calls.wire.first.control import SessionClosed

pytestmark = on_one_transport

DOWN = OSError("down")


class Relay:
    """A handler that hands every call over at once.

    Attributes:
      handed_over: what for, in order.
    """

    def __init__(self) -> None:
        self.handed_over: list[HandOver] = []

    async def __call__(self, call: ActiveCall) -> None:
        self.handed_over.append(await call.hand_over())


@on_the_first_wire
async def test_the_claim_is_kept_and_nothing_is_sent(exchange: FakeExchange) -> None:
    relay = Relay()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(relay)
        control = await exchange.control()
        await control.ring("s")
        assert await control.rest() == []
        assert client.calls == ()
        assert exchange.medias == []
        # It ends somewhere else: that is news for nobody here.
        await control.send(SessionClosed("s"))
        await control.ring("another")
        await trio.testing.wait_all_tasks_blocked()
    assert [secret.call_id for secret in relay.handed_over] == ["call of s", "call of another"]


async def test_it_makes_room_for_another_one(exchange: FakeExchange) -> None:
    relay = Relay()
    async with open_call_client(exchange.config(max_concurrent_calls=1)) as client:
        client.on(events.INCOMING_CALL)(relay)
        control = await exchange.control()
        await control.offer("first", "second", "third")
        await control.grant("first", "second", "third")
        await trio.testing.wait_all_tasks_blocked()
    assert len(relay.handed_over) == 3


async def test_what_is_offered_again_is_taken_again(exchange: FakeExchange) -> None:
    relay = Relay()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(relay)
        control = await exchange.control()
        await control.ring("s")
        # The other process was lost before it had answered.
        await control.ring("s")
        # This client is lost, so that the exchange has taken the claim back.
        await control.cut()
        await (await exchange.control()).ring("s")
        await trio.testing.wait_all_tasks_blocked()
    assert len(relay.handed_over) == 3


async def test_it_counts_as_a_call_that_went_well(exchange: FakeExchange) -> None:
    handed_over: list[HandOver] = []

    async def fail_or_relay(call: ActiveCall) -> None:
        if call.call_id.endswith("good"):
            handed_over.append(await call.hand_over())
        else:
            await call.close()
            raise ValueError("a fault of the handler")

    async with open_call_client(exchange.config(on_handler_failure="ring")) as client:
        client.on(events.INCOMING_CALL)(fail_or_relay)
        control = await exchange.control()
        for name in ("1 bad", "2 bad", "3 good", "4 bad", "5 bad", "6 good"):
            await control.ring(name)
        await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == 0
    assert len(handed_over) == 2


@on_the_first_wire
async def test_it_waits_until_the_call_was_claimed_again(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        handed_over: list[HandOver] = []

        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hand_over() -> None:
                handed_over.append(await call.hand_over())

            await trio.testing.wait_all_tasks_blocked()
            assert handed_over == []
            await (await exchange.control()).grant("s", token="the-token-of-the-new-claim")
        assert "the-token-of-the-new-claim" in handed_over[0].to_json()


@on_the_first_wire
async def test_it_waits_10_s_for_that_at_the_most(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.extend([DOWN] * 20)
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        with pytest.raises(WSSCallStateError, match="could not be claimed again within 10 s"):
            await call.hand_over()
        assert trio.current_time() - began == pytest.approx(10)
        assert call.state is CallState.PENDING
        exchange.answers.clear()
        await (await exchange.control()).grant("s")
        await call.hand_over()


@on_the_first_wire
async def test_a_caller_who_hangs_up_meanwhile_ends_it(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hand_over() -> None:
                with pytest.raises(WSSCallEndedError):
                    await call.hand_over()

            await (await exchange.control()).refuse("s", "SESSION_CLOSED")
        assert call.ending is not None
        assert call.ending.cause is EndCause.CALLER


@on_the_first_wire
async def test_a_command_that_overtakes_it_keeps_the_call(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hand_over() -> None:
                with pytest.raises(WSSCallStateError, match="a command has acted on the call"):
                    await call.hand_over()

            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(call.answer)
            await (await exchange.control()).grant("s")
            await (await exchange.media()).accept("call.answer")
        assert call.state is CallState.ANSWERED


async def test_a_drain_does_not_wait_for_it(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    relay = Relay()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(relay)
        control = await exchange.control()
        await control.ring("s")
        await client.drain()
        assert trio.current_time() == 0
        assert await control.rest() == []
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == []
