"""What an SDK is offered, by what it has asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import RawControl, open_pair
from tests.support.transports import on_one_transport
from trio_calls.simulator import PhoneState, SimulatedCall, answers, declines, never_answers
from trio_calls.wire.first.control import CallIn, SessionNotify, SessionReady
from trio_calls.wire.responses import Response

pytestmark = on_one_transport


async def set_flow(control: RawControl, inbound_calls: str, **switches: Any) -> None:
    data = {
        "inboundCall": inbound_calls,
        "outboundCall": False,
        "inboundMessage": False,
        "outboundMessage": False,
        **switches,
    }
    await control.websocket.send(
        json.dumps({"type": "call_flow.setup", "reqId": "r", "data": data})
    )
    response = await control.expect(Response)
    assert (response.request_id, response.is_ok) == ("r", True)


async def is_offered(control: RawControl, call: SimulatedCall) -> None:
    assert (await control.expect(SessionNotify)).session_id == call.session_id


async def test_what_is_off_is_not_offered(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        off, on = await sdk.open_control(), await sdk.open_control()
        await set_flow(off, "NO", inboundMessage=True)
        call = simulator.place_call()
        await is_offered(on, call)
        await trio.sleep(60)
        assert await off.is_quiet()
        assert call.callee.state is PhoneState.IDLE


async def test_what_waits_is_offered_once_it_is_on(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await set_flow(control, "NO")
        calls = [simulator.place_call() for _ in range(3)]
        calls[1].caller.hang_up()
        await control.websocket.send(
            '{"type":"call_flow.setup","reqId":"r","data":{"inboundCall":"ALL",'
            '"outboundCall":true,"inboundMessage":true,"outboundMessage":true}}'
        )
        await is_offered(control, calls[0])
        await is_offered(control, calls[2])
        assert (await control.expect(Response)).is_ok
        await set_flow(control, "ALL")
        assert await control.is_quiet()


async def test_a_new_connection_begins_anew(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await set_flow(control, "NO")
        await control.websocket.aclose()
        call = simulator.place_call()
        await is_offered(await sdk.open_control(), call)


@pytest.mark.parametrize(
    ("pickup", "seconds"), [(never_answers(), 20), (declines(after_seconds=3), 3)]
)
async def test_what_the_callee_missed_is_offered(
    autojump_clock: MockClock, pickup: Any, seconds: float
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await set_flow(control, "MISSED_ONLY")
        placed_at = trio.current_time()
        call = simulator.place_call(pickup=pickup)
        await trio.sleep(1)
        assert call.callee.state is PhoneState.RINGING
        await is_offered(control, call)
        assert trio.current_time() - placed_at == pytest.approx(seconds)
        assert not call.callee.heard
        media = await sdk.open_media(await _take(control, call))
        await media.succeed("call.answer")


async def _take(control: RawControl, call: SimulatedCall) -> CallIn:
    assert (await control.claim(call.session_id)).is_ok
    await control.send(SessionReady(call.session_id))
    return await control.expect(CallIn)


async def test_what_the_callee_picks_up_is_not_offered(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await set_flow(control, "MISSED_ONLY")
        call = simulator.place_call(pickup=answers(after_seconds=2))
        await call.callee.wait_talking()
        await call.wait_agent_left()
        assert call.caller.state is PhoneState.TALKING
        assert await control.is_quiet()
        assert not call.was_claimed
        call.caller.hang_up()
        await call.wait_ended()


async def test_what_another_takes_is_not_missed(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        missed_only, takes_all = await sdk.open_control(), await sdk.open_control()
        await set_flow(missed_only, "MISSED_ONLY")
        call = simulator.place_call()
        await takes_all.take_call(call)
        await trio.sleep(60)
        assert await missed_only.is_quiet()


async def test_the_last_that_takes_all_goes(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        missed_only, takes_all = await sdk.open_control(), await sdk.open_control()
        await set_flow(missed_only, "MISSED_ONLY")
        call = simulator.place_call(pickup=never_answers())
        await takes_all.take_call(call)
        await takes_all.websocket.aclose()
        await is_offered(missed_only, call)
        assert trio.current_time() == pytest.approx(20, abs=1)


async def test_whoever_hangs_up_meanwhile_is_gone(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        await set_flow(control, "MISSED_ONLY")
        calls = [simulator.place_call(pickup=never_answers()) for _ in range(2)]
        await trio.sleep(5)
        calls[0].caller.hang_up()
        calls[1].callee.hang_up()
        await is_offered(control, calls[1])
        assert trio.current_time() == pytest.approx(5, abs=1)
        await trio.sleep(60)
        assert await control.is_quiet()
