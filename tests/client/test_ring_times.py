"""For how long a telephone rings that an application calls: on each wire in the wire's own way."""

from __future__ import annotations

import json
import math

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.peers.json_control import answer_json, receive_json
from tests.support.transports import on_one_transport
from trio_calls import (
    ActiveCall,
    CallClient,
    CallState,
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    open_call_client,
)
from trio_calls.sessions import WSSSessionError
from trio_calls.simulator import PhoneState, Simulator, answers, never_answers

OURS = "+65 6222 0000"
THEIRS = "+65 9111 0000"

pytestmark = on_one_transport


async def prepare(exchange: FakeExchange, client: CallClient) -> str:
    """Let the client prepare a call on the second wire, and return the name of its session."""
    control = await exchange.control()
    created: list[str] = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def create() -> None:
            created.append(await client.sessions.create("TELCO", THEIRS, OURS))

        await answer_json(control, (await receive_json(control))["reqId"], {"created": True})
        content = {"callId": "call", "url": "ws://exchange/media", "token": "token"}
        await answer_json(control, (await receive_json(control))["reqId"], content)
    return created[0]


@pytest.mark.parametrize("wire", ["second"])
@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 60),
        ({"ring_time_seconds": 1}, 1),
        ({"ring_time_seconds": 12.5}, 12.5),
        ({"ring_time_seconds": 120}, 120),
    ],
)
async def test_the_exchange_is_told_and_waited_for(
    exchange: FakeExchange, settings: dict[str, float], seconds: float
) -> None:
    """5 s longer than it has for it, as for every command."""
    async with open_call_client(exchange.config()) as client:
        session_id = await prepare(exchange, client)
        async with client.open_call(session_id, **settings) as call:
            began = trio.current_time()
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def answer() -> None:
                    with pytest.raises(WSSCallCommandTimeoutError):
                        await call.answer()

                media = await exchange.media()
                frame = await media.receive()
                assert isinstance(frame, str)
                data = json.loads(frame)["data"]
                assert data["command"] == "call.dial"
                assert data["timeout_ms"] == seconds * 1000
                assert data["data"] == {"ringTimeSeconds": seconds}
            assert trio.current_time() - began == seconds + 5
            await media.cut()


@pytest.mark.parametrize("wire", ["second"])
@pytest.mark.parametrize("seconds", [1, 20, 120])
async def test_the_telephone_rings_for_so_long(simulator: Simulator, seconds: float) -> None:
    simulator.set_pickup(THEIRS, never_answers())
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("TELCO", THEIRS, OURS)
        async with client.open_call(session_id, ring_time_seconds=seconds) as call:
            began = trio.current_time()
            with pytest.raises(WSSCallCommandError, match="CALL_UNANSWERED"):
                await call.answer()
            assert trio.current_time() - began == pytest.approx(seconds, abs=0.5)
            await simulator.calls[-1].wait_ended()
    assert simulator.violations == []


@pytest.mark.parametrize("wire", ["second"])
async def test_who_picks_up_in_time_is_talked_to(simulator: Simulator) -> None:
    """However much longer than usual that is."""
    simulator.set_pickup(THEIRS, answers(after_seconds=100))
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("TELCO", THEIRS, OURS)
        async with client.open_call(session_id, ring_time_seconds=110) as call:
            await call.answer()
            assert state_of(call) is CallState.ANSWERED
    assert simulator.violations == []


def state_of(call: ActiveCall) -> CallState:
    return call.state


@pytest.mark.parametrize("wire", ["first"])
async def test_the_first_wire_is_waited_for_so_long(simulator: Simulator) -> None:
    """It has no word for that: the telephone rings until its session is closed."""
    simulator.set_pickup(THEIRS, never_answers())
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("TELCO", THEIRS)
        began = trio.current_time()
        with pytest.raises(WSSSessionError, match="the call did not come within 20 s"):
            async with client.open_call(session_id, ring_time_seconds=20):
                pass
        assert trio.current_time() - began == 20
        placed = simulator.calls[-1]
        assert placed.callee.state is PhoneState.RINGING
        await client.sessions.close(session_id)
        await trio.testing.wait_all_tasks_blocked()
        assert placed.ended
        assert client.calls == ()


@pytest.mark.parametrize("seconds", [0, 0.5, 121, -1, math.inf, math.nan, True, "20"])
@pytest.mark.parametrize("wire", ["first", "second"])
async def test_what_makes_no_sense_is_refused_at_once(
    exchange: FakeExchange, seconds: float
) -> None:
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        with pytest.raises(ValueError, match="ring_time_seconds must be a number from 1 to 120"):
            client.open_call("session", ring_time_seconds=seconds)
        assert await control.rest() == []
