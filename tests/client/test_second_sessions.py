"""How many sessions calls take up on the second wire, whose exchange closes none."""

from __future__ import annotations

import pytest
import trio

from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, CallClient, events, open_call_client
from trio_calls.sessions import WSSQuotaExceededError
from trio_calls.simulator import Simulator
from trio_calls.simulator.exchange import subscriber_sessions

pytestmark = [on_one_transport, pytest.mark.parametrize("wire", ["second"])]

AGENT = "+65 6222 0000"


async def answer(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


async def talk(client: CallClient, simulator: Simulator, caller: str) -> None:
    """Let somebody call, and hang up."""
    call = simulator.place_call(caller=caller, callee=AGENT)
    with trio.fail_after(5):
        await call.caller.wait_talking()
    call.caller.hang_up()
    await call.wait_ended()
    await trio.sleep(1)
    assert client.calls == ()


async def test_who_calls_again_takes_up_no_further_session(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(answer)
        for caller in ("+1", "+2", "+1", "+1"):
            await talk(client, simulator, caller)
        listed = await client.sessions.list("TELCO")
        assert [session.remote_address for session in listed] == ["+1", "+2"]


async def test_nobody_rings_on_when_there_are_no_more_sessions(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_sessions, "MAX_SESSIONS", 1)
    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(answer)
        for number in range(5):
            await talk(client, simulator, f"+{number}")
        with pytest.raises(WSSQuotaExceededError):
            await client.sessions.create("TELCO", "+6", AGENT)
