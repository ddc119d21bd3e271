"""The official client takes calls from the simulator: who gets a call, how it goes, how it ends."""

from __future__ import annotations

import asyncio

import pytest
import telcoflow
import trio
from telcoflow.exceptions import WSSSessionBusy

from tests.support.official_client import (
    SAMPLE_RATE,
    OfficialClient,
    audible,
    listen,
    open_client,
    open_exchange,
    take_answered_call,
    take_connected_call,
    until,
)
from trio_calls.audio import noise
from trio_calls.simulator import PhoneState, Pickup, declines, never_answers
from trio_calls.state import CallState

pytestmark = pytest.mark.slow

GREETING = noise(0.1, SAMPLE_RATE, seed=1)


async def test_a_session_is_claimed_and_its_call_comes_in() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        assert client.manager.id
        placed = simulator.place_call(caller="+1", callee="+2")

        offer = await aio.run(client.offers.get)
        assert offer.session_id == placed.session_id
        assert offer.channel == telcoflow.ChannelType.TELCO
        assert offer.activity == telcoflow.SessionActivityType.NEW_INCOMING_CALL
        assert (offer.remote_address, offer.local_address) == ("+1", "+2")

        session = await aio.run(client.manager.open_session, offer.session_id)
        await placed.wait_claimed()
        assert session.id == placed.session_id
        assert session.channel == telcoflow.ChannelType.TELCO
        assert (session.remote_address, session.local_address) == ("+1", "+2")

        call = await aio.run(client.receive, session)
        assert call.id == placed.call_id
        assert (call.caller_number, call.callee_number) == ("+1", "+2")
        assert call.state == telcoflow.CallState.NEW
        assert placed.agent_states == [CallState.PENDING]


async def test_a_call_that_waits_is_offered_to_who_connects_later() -> None:
    async with open_exchange() as (simulator, aio):
        placed = simulator.place_call()
        async with open_client(simulator, aio) as client:
            call = await aio.run(client.take_call)
            assert call.id == placed.call_id


async def test_of_two_clients_one_gets_the_call() -> None:
    async with (
        open_exchange() as (simulator, aio),
        open_client(simulator, aio) as one,
        open_client(simulator, aio) as other,
    ):
        placed = simulator.place_call()
        claimed: list[tuple[OfficialClient, telcoflow.Session]] = []
        refused: list[tuple[OfficialClient, WSSSessionBusy]] = []

        async def claim(client: OfficialClient) -> None:
            try:
                claimed.append((client, await aio.run(client.claim)))
            except WSSSessionBusy as error:
                refused.append((client, error))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(claim, one)
            nursery.start_soon(claim, other)

        ((winner, session),) = claimed
        ((loser, error),) = refused
        assert {winner, loser} == {one, other}
        assert error.bound_sm_ws_id == winner.manager.id
        call = await aio.run(winner.receive, session)
        assert await aio.run(call.answer)
        await placed.caller.wait_talking()


async def test_a_wrong_api_key_is_refused() -> None:
    async with open_exchange() as (simulator, aio):
        client = OfficialClient(simulator, api_key="wrong")
        with pytest.raises(telcoflow.WSSConnectionError, match="x-api-key"):
            await aio.run(client.connect)
        await aio.run(client.disconnect)


async def test_answer_connects_the_caller_once() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)
        await placed.caller.wait_talking()
        assert call.state == telcoflow.CallState.LIVE
        again = await aio.run(call.answer)
        assert not again
        assert again.error_code == "INVALID_STATE"
        assert placed.agent_states == [CallState.PENDING, CallState.ANSWERED]


async def test_connect_brings_in_the_callee() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        assert placed.caller.state is placed.callee.state is PhoneState.TALKING
        assert call.state == telcoflow.CallState.LIVE
        assert placed.agent_states == [CallState.PENDING, CallState.CONNECTED]


@pytest.mark.parametrize(
    ("pickup", "error_code"),
    [
        pytest.param(never_answers(), "CALL_UNANSWERED", id="unanswered"),
        pytest.param(declines(after_seconds=0.1), "CALL_DECLINED", id="declined"),
    ],
)
async def test_an_answered_call_outlives_a_failed_connect(pickup: Pickup, error_code: str) -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call(pickup=pickup)
        call = await aio.run(client.take_call)
        assert await aio.run(call.answer)
        result = await aio.run(call.connect, ring_time_seconds=1)
        assert not result
        assert (result.success, result.error_code) == (False, error_code)
        assert result.error_message
        assert placed.agent_states == [CallState.PENDING, CallState.ANSWERED]
        assert placed.callee.state is PhoneState.IDLE
        await placed.caller.say(GREETING)
        assert await aio.run(call.close)
        assert audible(await aio.run(listen, call)) == GREETING


async def test_a_pending_call_outlives_a_failed_connect() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call(pickup=never_answers())
        call = await aio.run(client.take_call)
        result = await aio.run(call.connect, ring_time_seconds=1)
        assert not result
        assert result.error_code == "CALL_UNANSWERED"
        assert placed.agent_states == [CallState.PENDING]
        assert placed.caller.state is PhoneState.CALLING
        assert await aio.run(call.answer)
        await placed.caller.wait_talking()


async def test_close_ends_an_answered_call() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)
        assert await aio.run(call.close)
        await placed.wait_ended()
        assert placed.caller.state is PhoneState.HUNG_UP
        assert call.state == telcoflow.CallState.TERMINATED
        assert placed.agent_states[1:] == [CallState.ANSWERED, CallState.DISCONNECTED]
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.SDK_REQUEST


async def test_closing_the_session_closes_the_call() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call()
        session = await aio.run(client.claim)
        call = await aio.run(client.receive, session)
        assert await aio.run(call.answer)
        await aio.run(session.close)
        assert session.is_closed
        await placed.wait_ended()


async def test_close_leaves_a_conference_that_goes_on() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        assert await aio.run(call.close)
        await placed.wait_agent_left()
        assert call.state == telcoflow.CallState.TERMINATED
        assert placed.agent_states[1:] == [CallState.CONNECTED, CallState.DISCONNECTED]
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.SDK_REQUEST

        assert placed.caller.state is placed.callee.state is PhoneState.TALKING
        await placed.caller.say(GREETING)
        assert audible(placed.callee.heard) == GREETING
        placed.callee.hang_up()
        await placed.wait_ended()


async def test_disconnect_ends_a_conference_for_everybody() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        assert await aio.run(call.disconnect)
        await placed.wait_ended()
        assert placed.caller.state is placed.callee.state is PhoneState.HUNG_UP
        assert call.state == telcoflow.CallState.TERMINATED
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.SDK_REQUEST


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_hanging_up_terminates_the_call(who: str) -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        terminated = asyncio.Event()
        call.on_terminated(terminated.set)
        {"caller": placed.caller, "callee": placed.callee}[who].hang_up()
        await aio.run(terminated.wait)
        await aio.run(listen, call)
        assert call.state == telcoflow.CallState.TERMINATED
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.CALL_TERMINATED
        assert placed.ended


async def test_a_caller_who_gives_up_before_the_answer() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call()
        call = await aio.run(client.take_call)
        placed.caller.hang_up()
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.CALL_TERMINATED
        with pytest.raises(telcoflow.WSSCallError):
            await aio.run(call.answer)


@pytest.mark.parametrize("who", ["the caller", "the agent"])
async def test_a_call_that_ends_while_the_callee_is_rung(who: str) -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call(pickup=never_answers())
        call = await aio.run(client.take_call)
        results: list[telcoflow.CommandResult] = []

        async def connect() -> None:
            results.append(await aio.run(call.connect, ring_time_seconds=120))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(connect)
            await until(lambda: placed.callee.state is PhoneState.RINGING)
            if who == "the caller":
                placed.caller.hang_up()
            else:
                assert await aio.run(call.close)
        assert [result.error_code for result in results] == ["CALL_CLOSED"]
        await placed.wait_ended()
