"""Written messages over the second wire, and the list of sessions."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.plain_http import ask
from tests.support.peers.second_sdk import SUBSCRIBER, SecondControlEnd, open_second_pair
from trio_calls.simulator import Simulator
from trio_calls.wire.responses import Response
from trio_calls.wire.second.control import (
    MAX_PARTICIPANTS,
    Address,
    CallNotify,
    CreateCall,
    MessageContent,
    MessageIn,
    MessageOut,
    TriggerConditionsSetup,
)

SESSIONS = "/public/v1/sessions"
SECOND = {"x-sdk-client": "python/1.0.0b8"}
OPENED_AT = 1_767_225_600_000


async def write(
    control: SecondControlEnd, to: object, text: str = "hello", channel: str = "WA"
) -> Response:
    content = MessageContent("v23.0", {"to": to, "type": "text", "text": {"body": text}})
    return await control.ask(MessageOut(str(uuid.uuid4()), channel, "s", "m", content))


async def page(simulator: Simulator, query: str = "") -> dict[str, Any]:
    answer = await ask(simulator, "GET", SESSIONS + query, headers=SECOND)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


async def test_a_message_comes_in_and_is_answered(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        partner = simulator.place_message(sender="6591", receiver="6562", content="hi")
        message = await control.expect(MessageIn)
        assert (message.participant, message.subscriber) == ("6591", "6562")
        assert message.channel == "WA"
        assert message.payload["text"] == {"body": "hi"}
        assert message.message_id
        await partner.wait_claimed()

        await control.open_session(subscriber=message.subscriber)
        answer = await write(control, "6591", "yes?")
        assert answer.is_ok
        assert answer.content["messages"][0]["id"]
        reply = await partner.wait_reply()
        assert (reply.text, reply.api_version, reply.client_message_id) == ("yes?", "v23.0", "m")
        partner.write("again")
        assert (await control.expect(MessageIn)).payload["text"] == {"body": "again"}


async def test_each_message_goes_to_one_by_turns(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        one, other = await sdk.open_second_control(), await sdk.open_second_control()
        partner = simulator.place_message(content="1")
        partner.write("2")
        assert (await one.expect(MessageIn)).payload["text"] == {"body": "1"}
        assert (await other.expect(MessageIn)).payload["text"] == {"body": "2"}


async def test_what_was_written_waits_for_who_wants_it(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        partner = simulator.place_message(content="1")
        partner.write("2")
        control = await sdk.open_second_control()
        for text in ("1", "2"):
            assert (await control.expect(MessageIn)).payload["text"] == {"body": text}
        setup = TriggerConditionsSetup("r", "ALL", False, False, False)
        assert (await control.ask(setup)).is_ok
        partner.write("3")
        assert await control.is_quiet()
        await control.send(TriggerConditionsSetup("r", "ALL", False, True, False))
        assert (await control.expect(MessageIn)).payload["text"] == {"body": "3"}


async def test_an_agent_may_write_first(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        await control.open_session()
        assert (await write(control, "6599")).is_ok
        (partner,) = simulator.partners
        assert (partner.number, (await partner.wait_reply()).text) == ("6599", "hello")


async def test_an_answer_goes_to_the_conversation_it_is_in(autojump_clock: MockClock) -> None:
    """Somebody may write to two of the connector's numbers."""
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        other = simulator.place_message(sender="6591", receiver="6577", content="1")
        asked = simulator.place_message(sender="6591", receiver=SUBSCRIBER, content="2")
        for text in ("1", "2"):
            assert (await control.expect(MessageIn)).payload["text"] == {"body": text}
        await control.open_session(subscriber=SUBSCRIBER)
        assert (await write(control, "6591", "2?")).is_ok
        assert [reply.text for reply in asked.replies] == ["2?"]
        assert other.replies == []


async def test_why_a_message_is_not_taken(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        assert (await write(control, "6599")).error_code == "SESSION_NOT_FOUND"
        await control.open_session()
        refused = await write(control, "6599", channel="TELCO")
        assert refused.error_code == "CHANNEL_NOT_CONFIGURED"
        for nobody in (None, 6599, "", " ", "6" * 513):
            assert (await write(control, nobody)).error_code == "INVALID_REQUEST"
        for number in range(MAX_PARTICIPANTS):
            assert (await write(control, str(number))).is_ok
        assert (await write(control, "6")).error_code == "PARTICIPANTS_FULL"
        assert len(simulator.partners) == MAX_PARTICIPANTS


@pytest.mark.parametrize("number", ["", "  ", "6" * 513])
async def test_a_call_out_needs_a_number(autojump_clock: MockClock, number: str) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        await control.open_session()
        answer = await control.ask(CreateCall("r", "s", Address("TELCO", number)))
        assert answer.error_code == "INVALID_REQUEST"
        assert simulator.calls == []


async def test_sessions_are_listed_with_whom_they_are(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        call = simulator.place_call(caller="+65 9111 0000")
        await control.expect(CallNotify)
        await control.open_session()
        await trio.sleep(2)
        assert (await control.claim(call.call_id)).is_ok
        (item,) = (await page(simulator))["items"]
        assert item == {
            "sessionId": "s",
            "subscriber": SUBSCRIBER,
            "participants": [{"network": "TELCO", "value": "+65 9111 0000"}],
            "createdAt": OPENED_AT,
            "lastActivityAt": OPENED_AT + 2000,
        }


async def test_sessions_come_by_page(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        assert await page(simulator) == {"items": []}
        for number in range(60):
            await control.open_session(str(number), f"+{number % 2}")
        first = await page(simulator)
        assert [item["sessionId"] for item in first["items"]] == [str(n) for n in range(50)]
        rest = await page(simulator, f"?offset={first['nextCursor']}")
        assert [item["sessionId"] for item in rest["items"]] == [str(n) for n in range(50, 60)]
        assert "nextCursor" not in rest
        one = await page(simulator, "?subscriber=%2B1&offset=1&limit=2")
        assert [item["sessionId"] for item in one["items"]] == ["3", "5"]
        assert len((await page(simulator, "?limit=1000"))["items"]) == 60


@pytest.mark.parametrize("query", ["?offset=-1", "?limit=x", "?offset=", "?limit=1&limit=2"])
async def test_pages_that_make_no_sense(autojump_clock: MockClock, query: str) -> None:
    async with open_second_pair() as (simulator, _):
        answer = await ask(simulator, "GET", SESSIONS + query, headers=SECOND)
        assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")
