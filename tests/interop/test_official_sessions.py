"""The official client lists, starts and closes sessions at the simulator, and sets a call flow."""

from __future__ import annotations

import pytest
import telcoflow
import trio
from telcoflow.exceptions import WSSSessionAlreadyExists

from tests.support.official_client import (
    SAMPLE_RATE,
    SOON,
    audible,
    open_client,
    open_exchange,
    until,
)
from trio_calls.audio import noise
from trio_calls.simulator import never_answers
from trio_calls.state import CallState

pytestmark = pytest.mark.slow

NUMBER = "+6591110000"
GREETING = noise(0.1, SAMPLE_RATE, seed=1)


async def test_open_sessions_are_listed() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        over = simulator.place_call()
        over.caller.hang_up()
        rings = simulator.place_call(caller="65 91/1", callee="+2")
        other = simulator.place_call(caller="+3")

        listed = await aio.run(client.manager.list_sessions)
        assert [session.id for session in listed] == [rings.session_id, other.session_id]
        first = listed[0]
        assert (first.channel, first.initiator, first.state) == ("TELCO", "CONNECTOR", "OPEN")
        assert (first.remote_address, first.local_address) == ("65 91/1", "+2")
        assert isinstance(first.opened_at, int)
        assert first.closed_at is None

        filtered = await aio.run(
            client.manager.list_sessions, telcoflow.ChannelType.TELCO, "65 91/1"
        )
        assert [session.id for session in filtered] == [rings.session_id]
        assert await aio.run(client.manager.list_sessions, telcoflow.ChannelType.WA) == []


async def test_a_session_is_closed_twice() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call()
        close = client.manager._http_client.close_session
        result = await aio.run(close, placed.session_id)
        assert result.reason == "SDK_REQUEST"
        assert result.closed_at > 0
        await placed.wait_ended()
        again = await aio.run(close, placed.session_id)
        assert again.reason == "NOT_FOUND"


async def test_a_call_is_started() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        simulator.set_pickup(NUMBER, SOON)
        session = await aio.run(client.manager.create_session, telcoflow.ChannelType.TELCO, NUMBER)
        (placed,) = simulator.calls
        assert (session.id, session.remote_address) == (placed.session_id, NUMBER)

        call = await aio.run(client.receive, session)
        assert call.callee_number == NUMBER
        assert await aio.run(call.answer)
        await aio.run(call.send_audio, GREETING)
        await until(lambda: audible(placed.callee.heard) == GREETING)
        await aio.run(call.close)
        await placed.wait_ended()
        assert placed.agent_states == [
            CallState.PENDING,
            CallState.ANSWERED,
            CallState.DISCONNECTED,
        ]


async def test_a_session_that_is_open_already_is_named() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        simulator.set_pickup(NUMBER, never_answers())
        create = client.manager.create_session
        session = await aio.run(create, telcoflow.ChannelType.TELCO, NUMBER)
        with pytest.raises(WSSSessionAlreadyExists) as caught:
            await aio.run(create, telcoflow.ChannelType.TELCO, NUMBER)
        assert caught.value.session_id == session.id
        # The official client lets a session run on that it has, and was not told the end of.
        session.on_closed(client.closings.put)
        await aio.run(client.manager._http_client.close_session, session.id)
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.SDK_REQUEST


async def test_a_call_flow_is_obeyed() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        setup = client.manager.setup_call_flow
        await aio.run(setup, telcoflow.CallFlowBuilder().build())
        placed = simulator.place_call()
        await trio.sleep(0.2)
        assert client.offers.empty()
        everything = telcoflow.CallFlowBuilder().inbound_call(telcoflow.InboundCallMode.ALL).build()
        await aio.run(setup, everything)
        assert (await aio.run(client.offers.get)).session_id == placed.session_id
