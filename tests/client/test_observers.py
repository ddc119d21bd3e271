"""Whoever watches a client is told of every offer, call and connection, once, and in order."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tests.support.observing import SEEN, observing, whose
from tests.support.peers.control_words import ringing_call
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import ActiveCall, AudioFormat, AudioMode, events, open_call_client
from trio_calls.call.hand_over import hand_over_of
from trio_calls.client.client import client_observers_of
from trio_calls.client.observers import Loss
from trio_calls.wire.first.control import SessionClosed, SessionReady
from trio_calls.wire.responses import Response

pytestmark = on_one_transport


async def test_a_call_from_its_offer_to_its_end(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        with observing(client) as told:
            await control.offer("s")
            await trio.sleep(3)
            await control.grant("s")
            call = await switchboard.next_call()
            assert told == [SEEN, ("call of s", "opened", 3.0)]
            await call.close()
            await trio.testing.wait_all_tasks_blocked()
            assert told[2:] == [("call of s", "closed")]


@on_the_first_wire
@pytest.mark.parametrize(
    ("error_code", "loss"),
    [
        ("SESSION_BUSY", Loss.BUSY),
        ("SESSION_CLOSED", Loss.HUNG_UP),
        ("SESSION_NOT_FOUND", Loss.HUNG_UP),
        ("QUOTA_EXCEEDED", Loss.REFUSED),
        ("OF_TOMORROW", Loss.REFUSED),
    ],
)
async def test_a_claim_that_is_refused(exchange: FakeExchange, error_code: str, loss: Loss) -> None:
    await refuse_claim(exchange, error_code, loss)


@on_the_second_wire
@pytest.mark.parametrize(
    ("error_code", "loss"),
    [
        ("CALL_NOT_FOUND", Loss.HUNG_UP),
        ("QUOTA_EXCEEDED", Loss.REFUSED),
        ("OF_TOMORROW", Loss.REFUSED),
    ],
)
async def test_a_claim_that_the_second_wire_refuses(
    exchange: FakeExchange, error_code: str, loss: Loss
) -> None:
    await refuse_claim(exchange, error_code, loss)


async def refuse_claim(exchange: FakeExchange, error_code: str, loss: Loss) -> None:
    """Refuse a claim, and check what is told of it."""
    async with exchange.open_client() as (client, control, _):
        with observing(client) as told:
            await control.offer("s")
            await control.refuse("s", error_code)
            await trio.testing.wait_all_tasks_blocked()
            assert told == [SEEN, loss]


@on_the_first_wire
async def test_a_caller_who_gives_up_after_the_claim(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _):
        with observing(client) as told:
            await control.offer("s")
            claim = await control.expect_claim("s")
            await control.send(Response(claim.request_id, is_ok=True, content={}))
            await control.expect(SessionReady)
            await control.send(SessionClosed("s"))
            await trio.testing.wait_all_tasks_blocked()
            assert told == [SEEN, Loss.HUNG_UP]


@on_the_first_wire
async def test_offers_that_wait_for_room(exchange: FakeExchange) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (client, control, _):
        with observing(client) as told:
            await control.ring("first")
            await control.offer("gives up", "waits", "waits")
            await control.send(SessionClosed("gives up"))
            await trio.sleep(5)
            opened = ("call of first", "opened", 0)
            assert told == [SEEN, "full", opened, SEEN, SEEN, Loss.WITHDRAWN]
            told.clear()
            await control.send(SessionClosed("first"))
            await control.grant("waits")
            await trio.testing.wait_all_tasks_blocked()
            assert told == [
                "room",
                ("call of first", "closed"),
                "full",
                ("call of waits", "opened", 5),
            ]


async def test_a_call_that_was_handed_over(exchange: FakeExchange) -> None:
    handed_over = hand_over_of(ringing_call("s"), AudioFormat())
    async with (
        exchange.open_client(max_concurrent_calls=2) as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        with observing(client) as told:
            nursery.start_soon(client.adopt, handed_over)
            call = await switchboard.next_call()
            await control.ring("offered")
            await trio.testing.wait_all_tasks_blocked()
            opened, other = ("call of s", "opened", None), ("call of offered", "opened", 0)
            assert told == [opened, SEEN, "full", other]
            assert whose.get() == "nobody's"
            await call.close()
            await trio.testing.wait_all_tasks_blocked()
            assert told[4:] == [("call of s", "closed"), "room"]


@on_the_first_wire
@pytest.mark.parametrize(("limit", "has_room"), [(1, False), (2, True)])
async def test_a_connection_that_is_lost(
    exchange: FakeExchange, limit: int, has_room: bool
) -> None:
    """One offer waits for room, or is being claimed."""
    async with exchange.open_client(max_concurrent_calls=limit) as (client, control, switchboard):
        await control.ring("a call")
        await switchboard.next_call()
        observers = client_observers_of(client)
        with observing(client) as told:
            await control.offer("s")
            await trio.testing.wait_all_tasks_blocked()
            assert (observers.is_connected, observers.is_full) == (True, True)
            await control.cut()
            await trio.testing.wait_all_tasks_blocked()
            assert (observers.is_connected, observers.is_full) == (False, not has_room)
            await exchange.control()
            await trio.testing.wait_all_tasks_blocked()
            assert [fact for fact in told if fact not in ("full", "room")] == [
                SEEN,
                "disconnected",
                Loss.DISCONNECTED,
                "connected",
            ]


async def test_draining_is_known(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _):
        observers = client_observers_of(client)
        assert not observers.is_draining
        await client.drain()
        assert observers.is_draining


async def test_more_offers_than_are_kept(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.client.offer_queue.MAX_WAITING_OFFERS", 2)
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        with observing(client) as told:
            await control.offer("a", "b", "c")
            await trio.testing.wait_all_tasks_blocked()
            assert told == [SEEN, SEEN, Loss.CROWDED_OUT, SEEN]


@on_the_first_wire
async def test_a_call_that_was_started_was_not_offered(
    exchange: FakeExchange, nursery: trio.Nursery
) -> None:
    async with exchange.open_client() as (client, control, _):
        with observing(client) as told:
            nursery.start_soon(control.grant, "s")
            async with client.open_call("s") as call:
                await control.send(SessionClosed("s"))
                await call.wait_disconnected()
            assert told == [("call of s", "opened", None), ("call of s", "closed")]


async def test_what_is_bound_in_a_call_is_seen_by_it_alone(exchange: FakeExchange) -> None:
    seen: list[str] = []

    class Handler(Switchboard):
        async def __call__(self, call: ActiveCall) -> None:
            seen.append(whose.get())
            await super().__call__(call)

    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        with observing(client):
            client.on(events.INCOMING_CALL)(Handler())
            await control.ring("a", "b")
            await trio.testing.wait_all_tasks_blocked()
        assert sorted(seen) == ["call of a", "call of b"]
        assert whose.get() == "nobody's"


async def test_a_call_that_was_handed_over_was_not_offered(exchange: FakeExchange) -> None:
    handed_over = hand_over_of(ringing_call("s"), AudioFormat(24000, AudioMode.MIXED))
    async with (
        exchange.open_client() as (client, _, switchboard),
        trio.open_nursery() as nursery,
    ):
        with observing(client) as told:
            nursery.start_soon(client.adopt, handed_over)
            await exchange.answer(await switchboard.next_call())
            assert told == [("call of s", "opened", None)]
            await exchange.medias[0].close()
            await trio.testing.wait_all_tasks_blocked()
            assert told[1:] == [("call of s", "closed")]
