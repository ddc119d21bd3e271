"""A second media connection takes the place of a call's first, where the exchange is like that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.peers.sdk import RawMedia, RawSdk, open_raw_sdk, phone_states
from tests.support.phone_calls import A, P, speech
from tests.support.transports import on_one_transport
from trio_calls.simulator import PhoneState, SimulatedCall, never_answers, open_simulator
from trio_calls.wire.first.control import CallIn, SessionNotify

pytestmark = on_one_transport


@asynccontextmanager
async def open_call() -> AsyncIterator[tuple[RawSdk, SimulatedCall, CallIn, RawMedia]]:
    """A call that has a media connection already, in an exchange that lets another replace it."""
    async with (
        open_simulator(second_media_connection="replace") as simulator,
        open_raw_sdk(simulator.config) as sdk,
    ):
        control = await sdk.open_control()
        call = simulator.place_call(pickup=never_answers())
        call_in = await control.take_call(call)
        yield sdk, call, call_in, await sdk.open_media(call_in)
        assert simulator.violations == []


async def test_the_second_talks_where_the_first_did(autojump_clock: MockClock) -> None:
    question, answer = speech(1, 0.5), speech(2, 0.5)
    async with open_call() as (sdk, call, call_in, first):
        await first.succeed("call.answer")
        await trio.sleep(0.1)
        second = await sdk.open_media(call_in)
        await first.closed.wait()
        second.say(answer)
        await call.caller.say(question)
        await trio.sleep(0.2)
        assert question in second.heard[0]
        assert question not in first.heard[0]
        assert answer in call.caller.heard
        assert call.agent_states == [P, A]
        await second.succeed("call.disconnect")


async def test_one_that_waits_is_not_offered_again(autojump_clock: MockClock) -> None:
    async with open_call() as (sdk, call, call_in, first):
        other = await sdk.open_control()
        second = await sdk.open_media(call_in)
        await first.closed.wait()
        assert await other.is_quiet()
        await second.succeed("call.answer")
        assert call.agent_states == [P, A]


async def test_but_it_is_when_the_second_is_lost_as_well(autojump_clock: MockClock) -> None:
    async with open_call() as (sdk, call, call_in, first):
        second = await sdk.open_media(call_in)
        await first.closed.wait()
        other = await sdk.open_control()
        await trio.aclose_forcefully(second.websocket)
        assert (await other.expect(SessionNotify)).session_id == call.session_id


async def test_a_phone_that_rings_for_the_first_rings_no_longer(autojump_clock: MockClock) -> None:
    async with open_call() as (sdk, call, call_in, first):
        ringing = first.start("call.connect", 60)
        await wait_all_tasks_blocked()
        assert phone_states(call) == (PhoneState.CALLING, PhoneState.RINGING)
        second = await sdk.open_media(call_in)
        response = await first.response(ringing)
        assert response.error_code == "CALL_CLOSED"
        assert phone_states(call) == (PhoneState.CALLING, PhoneState.IDLE)
        again = second.start("call.connect", 60)
        await wait_all_tasks_blocked()
        assert phone_states(call) == (PhoneState.CALLING, PhoneState.RINGING)
        call.callee.hang_up()
        assert (await second.response(again)).error_code == "CALL_DECLINED"
        assert call.agent_states == [P]
