"""What a client is to be offered, as an exchange sees it that shares no code with us."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.peers.exchange import FakeExchange
from tests.support.peers.json_control import (
    answer_json,
    expect_json,
    receive_json,
    refuse_json,
)
from tests.support.peers.links import ControlEnd
from tests.support.wires import on_the_first_wire
from trio_calls import CallClient, WSSConnectionError
from trio_calls.client.session_errors import SESSION_ERRORS
from trio_calls.sessions import InboundCalls, WSSSessionError

ALL_OFF: dict[str, Any] = {
    "inboundCall": "NO",
    "outboundCall": False,
    "inboundMessage": False,
    "outboundMessage": False,
}


async def say(
    client: CallClient,
    inbound_calls: InboundCalls | str = "none",
    *,
    outbound_calls: bool = False,
    inbound_messages: bool = False,
    outbound_messages: bool = False,
) -> None:
    await client.set_call_flow(
        inbound_calls=inbound_calls,
        outbound_calls=outbound_calls,
        inbound_messages=inbound_messages,
        outbound_messages=outbound_messages,
    )


async def heard(control: ControlEnd, **switches: object) -> str:
    return await expect_json(control, type=control.words.call_flow, data={**ALL_OFF, **switches})


async def accept(control: ControlEnd, inbound_calls: str) -> None:
    await answer_json(control, await heard(control, inboundCall=inbound_calls))


@pytest.mark.parametrize(
    ("inbound_calls", "on_the_wire"),
    [
        ("all", "ALL"),
        ("missed_only", "MISSED_ONLY"),
        ("none", "NO"),
        *zip(InboundCalls, ("ALL", "MISSED_ONLY", "NO"), strict=True),
    ],
)
async def test_which_inbound_calls(
    exchange: FakeExchange,
    nursery: trio.Nursery,
    inbound_calls: InboundCalls | str,
    on_the_wire: str,
) -> None:
    async with exchange.open_client() as (client, control, _):
        nursery.start_soon(accept, control, on_the_wire)
        await say(client, inbound_calls)


@pytest.mark.parametrize(
    ("switch", "on_the_wire"),
    [
        ("outbound_calls", "outboundCall"),
        ("inbound_messages", "inboundMessage"),
        ("outbound_messages", "outboundMessage"),
    ],
)
async def test_all_four_are_said_each_time(
    exchange: FakeExchange, nursery: trio.Nursery, switch: str, on_the_wire: str
) -> None:
    async with exchange.open_client() as (client, control, _):

        @nursery.start_soon
        async def _() -> None:
            await answer_json(control, await heard(control, **{on_the_wire: True}), {"any": 1})
            await answer_json(control, await heard(control))

        await say(client, **{switch: True})  # type: ignore[arg-type]
        await say(client)


async def test_what_was_said_last_holds_whichever_is_answered_first(
    exchange: FakeExchange, nursery: trio.Nursery
) -> None:
    async with exchange.open_client() as (client, control, _):
        nursery.start_soon(say, client, "all")
        first = await heard(control, inboundCall="ALL")
        nursery.start_soon(say, client, "none")
        await answer_json(control, await heard(control))
        await trio.testing.wait_all_tasks_blocked()
        await answer_json(control, first)
        await trio.testing.wait_all_tasks_blocked()
        await control.cut()
        await heard(await exchange.control(), inboundCall="NO")


@on_the_first_wire
@pytest.mark.parametrize(("code", "kind"), [*SESSION_ERRORS.items(), ("NEW", WSSSessionError)])
async def test_each_refusal_has_its_class(
    exchange: FakeExchange, nursery: trio.Nursery, code: str, kind: type[WSSSessionError]
) -> None:
    async with exchange.open_client() as (client, control, _):

        @nursery.start_soon
        async def _() -> None:
            await refuse_json(control, await heard(control), code)

        with pytest.raises(WSSSessionError) as caught:
            await say(client)
        assert type(caught.value) is kind
        assert str(caught.value) == f"the exchange refused to set the call flow ({code})"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"inbound_calls": "ALL"}, ValueError),
        ({"inbound_calls": True}, ValueError),
        ({"outbound_calls": None}, TypeError),
        ({"inbound_messages": "all"}, TypeError),
        ({"outbound_messages": 1}, TypeError),
    ],
)
async def test_what_makes_no_sense_is_not_said(
    exchange: FakeExchange, wrong: dict[str, Any], error: type[Exception]
) -> None:
    async with exchange.open_client() as (client, control, _):
        with pytest.raises(error, match=next(iter(wrong))):
            await say(client, **wrong)
        assert await control.rest() == []


@on_the_first_wire
async def test_it_is_said_again_before_anything_is_claimed(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept, control, "ALL")
            await say(client, "all")
        await control.ring("s")
        await switchboard.next_call()
        present = control
        for _ in range(2):
            await present.cut()
            present = await exchange.control()
            assert await heard(present, inboundCall="ALL")
            claim = await receive_json(present)
            assert (claim["type"], claim["sessionId"]) == ("session.open", "s")
            await answer_json(present, claim["reqId"], {})


async def test_without_having_been_said_it_is_not_said(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, _):
        await control.cut()
        assert await (await exchange.control()).rest() == []


async def test_a_refusal_changes_nothing(exchange: FakeExchange, nursery: trio.Nursery) -> None:
    async with exchange.open_client() as (client, control, _):

        @nursery.start_soon
        async def _() -> None:
            await answer_json(control, await heard(control, inboundCall="ALL"))
            await refuse_json(control, await heard(control), "FORBIDDEN")

        await say(client, "all")
        with pytest.raises(WSSSessionError):
            await say(client)
        await control.cut()
        assert await heard(await exchange.control(), inboundCall="ALL")


async def test_what_a_lost_connection_took_along(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _() -> None:
                await heard(control)
                await control.cut()

            with pytest.raises(WSSConnectionError):
                await say(client)
        with pytest.raises(WSSConnectionError, match="no connection"):
            await say(client)
        assert await (await exchange.control()).rest() == []


async def test_a_refusal_after_a_reconnect_is_logged(
    exchange: FakeExchange, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        nursery.start_soon(accept, control, "ALL")
        await say(client, "all")
        await control.cut()
        newer = await exchange.control()
        request_id = await heard(newer, inboundCall="ALL")
        await refuse_json(newer, request_id, "FORBIDDEN", "not today")
        await refuse_json(newer, request_id, "FORBIDDEN", "once more")
        await newer.ring("s")
        await switchboard.next_call()
    words = [
        record.getMessage()
        for record in caplog.records
        if record.name == "trio_calls.call_flow" and record.levelno == logging.WARNING
    ]
    assert words == [
        "after the reconnect, the exchange refused to set the call flow (FORBIDDEN): not today"
    ]


async def test_it_can_be_cancelled(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _):
        with trio.move_on_after(1) as scope:
            await say(client)
        assert scope.cancelled_caught
        await answer_json(control, await heard(control))
        with trio.CancelScope() as scope:
            scope.cancel()
            await say(client)
        assert await control.rest() == []
        await control.cut()
        assert await (await exchange.control()).rest() == []
