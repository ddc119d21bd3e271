"""Requests about sessions that the simulator refuses, code by code."""

from __future__ import annotations

import pytest

from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import CallClient, events, open_call_client
from trio_calls.client.session_errors import SESSION_ERRORS
from trio_calls.sessions import (
    WSSCallNotFoundError,
    WSSChannelError,
    WSSInvalidRequestError,
    WSSParticipantsFullError,
    WSSSessionError,
    WSSSubscriberMismatchError,
)
from trio_calls.simulator import Simulator, refuse

NUMBER = "+6591110000"
OURS = "+6562220000"


async def ask_for(client: CallClient, request: str) -> None:
    """Do what leads to a request on the control connection."""
    match request:
        case "session.create":
            await client.sessions.create("TELCO", NUMBER)
        case "session.open":
            async with client.open_call(await client.sessions.create("TELCO", NUMBER)) as call:
                await call.answer()
        case "call_flow.setup":
            await client.set_call_flow(
                inbound_calls="all",
                outbound_calls=True,
                inbound_messages=True,
                outbound_messages=True,
            )


@on_one_transport
@on_the_first_wire
@pytest.mark.parametrize("request_type", ["session.create", "session.open", "call_flow.setup"])
@pytest.mark.parametrize(("code", "kind"), [*SESSION_ERRORS.items(), ("NEW", WSSSessionError)])
async def test_each_refusal_has_its_class_and_is_said_once(
    simulator: Simulator, request_type: str, code: str, kind: type[WSSSessionError]
) -> None:
    simulator.inject(refuse(request_type, error_code=code))
    async with open_call_client(simulator.config) as client:
        with pytest.raises(WSSSessionError, match="refused by a fault") as caught:
            await ask_for(client, request_type)
        assert type(caught.value) is kind
        assert caught.value.error_code == code
        assert client.calls == ()
        simulator.end_all_calls()
        await ask_for(client, request_type)


@on_one_transport
@on_the_first_wire
async def test_a_channel_that_the_simulator_does_not_have(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        with pytest.raises(WSSChannelError):
            await client.sessions.create("SMOKE", NUMBER)


@on_one_transport
@on_the_first_wire
async def test_the_claim_of_one_call_is_refused(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        refused, served = simulator.place_call(caller="+1"), simulator.place_call(caller="+2")
        simulator.inject(refuse("session.open", error_code="FORBIDDEN"), call=refused)
        client.on(events.INCOMING_CALL)(lambda call: call.answer())
        await served.caller.wait_talking()
        assert not refused.was_claimed


@on_one_transport
@on_the_second_wire
@pytest.mark.parametrize(
    ("code", "kind", "times"),
    [
        ("CALL_NOT_FOUND", WSSCallNotFoundError, 1),
        ("INVALID_REQUEST", WSSInvalidRequestError, 1),
        # Once more, in another session.
        ("PARTICIPANTS_FULL", WSSParticipantsFullError, 2),
        ("SUBSCRIBER_MISMATCH", WSSSubscriberMismatchError, 2),
    ],
)
async def test_a_call_out_that_the_second_wire_refuses(
    simulator: Simulator, code: str, kind: type[WSSSessionError], times: int
) -> None:
    async with open_call_client(simulator.config) as client:
        for _ in range(times):
            simulator.inject(refuse("session.create_call", error_code=code))
        with pytest.raises(kind, match="refused by a fault") as caught:
            await client.sessions.create("TELCO", NUMBER, OURS)
        assert caught.value.error_code == code
        await client.sessions.create("TELCO", NUMBER, OURS)


def test_there_is_no_such_request() -> None:
    with pytest.raises(ValueError, match=r"session\.rename"):
        refuse("session.rename", error_code="X")
