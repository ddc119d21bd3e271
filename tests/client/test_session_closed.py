"""``session.closed`` at any moment of a call: nothing hangs, and the next call is served."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in, offer
from tests.support.peers.exchange import FakeExchange, Switchboard, http
from tests.support.peers.links import ControlEnd, MediaEnd
from tests.support.peers.one_call import state_of
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallClient, CallState, WSSCallClosedError
from trio_calls.wire.commands import CallEvent, CommandResponse
from trio_calls.wire.first.control import SessionClosed, SessionReady
from trio_calls.wire.responses import Response

pytestmark = on_the_first_wire

CLOSED = SessionClosed("s", reason="CALL_TERMINATED")


@asynccontextmanager
async def open_served_client(
    exchange: FakeExchange,
) -> AsyncIterator[tuple[CallClient, ControlEnd, Switchboard]]:
    """A client for the block, after which it holds no call and takes the next one."""
    async with exchange.open_client(max_concurrent_calls=1) as (client, control, switchboard):
        yield client, control, switchboard
        await trio.testing.wait_all_tasks_blocked()
        assert switchboard.held == 0
        await control.ring("next")
        await trio.testing.wait_all_tasks_blocked()
        assert (switchboard.held, switchboard.calls[-1].call_id) == (1, "call of next")


async def ring(control: ControlEnd, switchboard: Switchboard) -> ActiveCall:
    await control.ring("s")
    return await switchboard.next_call()


COMMANDS = {
    "answer": "call.answer",
    "connect": "call.connect",
    "whisper": "agent.whisper",
    "close": "call.close",
    "disconnect": "call.disconnect",
}


@pytest.mark.parametrize(
    "moment", ["before the offer", "with the offer", "claimed", "granted", "ready", "call.in"]
)
async def test_before_the_handler_did_anything(exchange: FakeExchange, moment: str) -> None:
    async with open_served_client(exchange) as (client, control, _):
        match moment:
            case "before the offer":
                await control.send(CLOSED)
            case "with the offer":
                await control.send(offer("s"), CLOSED)
                await control.refuse("s", "SESSION_CLOSED")
            case _:
                await control.offer("s")
                claim = await control.expect_claim("s")
                if moment == "claimed":
                    refusal = Response(claim.request_id, is_ok=False, error_code="SESSION_CLOSED")
                    await control.send(CLOSED, refusal)
                elif moment == "granted":
                    await control.send(Response(claim.request_id, is_ok=True), CLOSED)
                else:
                    await control.send(Response(claim.request_id, is_ok=True))
                    await control.expect(SessionReady)
                    last_words = [call_in("s"), CLOSED] if moment == "call.in" else [CLOSED]
                    await control.send(*last_words)
        await control.rest()  # the claim's last word, perhaps
        assert client.calls == ()


@pytest.mark.parametrize("times", [1, 2])
async def test_while_it_rings(exchange: FakeExchange, times: int) -> None:
    async with open_served_client(exchange) as (_, control, switchboard):
        call = await ring(control, switchboard)
        await control.send(*[CLOSED] * times)
        await call.wait_disconnected()
        assert call.state is CallState.DISCONNECTED


@pytest.mark.parametrize(
    ("before", "in_flight", "after"),
    [
        ([], "answer", CallState.ANSWERED),
        ([], "connect", CallState.CONNECTED),
        (["answer"], None, CallState.ANSWERED),
        (["answer"], "connect", CallState.CONNECTED),
        (["answer", "connect"], None, CallState.CONNECTED),
        (["answer", "connect"], "whisper", CallState.CONNECTED),
        (["answer"], "close", CallState.DISCONNECTED),
        (["answer", "connect"], "disconnect", CallState.DISCONNECTED),
    ],
)
async def test_where_there_is_media_the_call_ends_by_its_word(
    exchange: FakeExchange, before: list[str], in_flight: str | None, after: CallState
) -> None:
    async with open_served_client(exchange) as (_, control, switchboard):
        call = await ring(control, switchboard)
        media: MediaEnd | None = None
        for name in [*before, in_flight]:
            async with trio.open_nursery() as nursery:
                if name is not None:
                    nursery.start_soon(getattr(call, name))
                    media = media or await exchange.media()
                    request = await media.expect_command(COMMANDS[name])
                if name is in_flight:
                    state = call.state
                    await control.send(CLOSED)
                    assert await control.rest() == []
                    assert call.state is state
                if name is not None and media is not None:
                    await media.send(CommandResponse(request.command_id, success=True))
        assert call.state is after
        assert media is not None
        await media.send(CallEvent("call.terminated"))
        await call.wait_disconnected()


async def test_after_the_call(exchange: FakeExchange) -> None:
    async with open_served_client(exchange) as (_, control, switchboard):
        call = await ring(control, switchboard)
        await call.close()
        await control.send(CLOSED, CLOSED)
        assert await control.rest() == []


@pytest.mark.parametrize("opens", [False, True])
async def test_while_the_media_connection_is_being_opened(
    exchange: FakeExchange, opens: bool
) -> None:
    async with open_served_client(exchange) as (_, control, switchboard):
        call = await ring(control, switchboard)
        exchange.delay = 1
        exchange.answers.append(None if opens else http(404, "no such call, or no longer"))
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def answer() -> None:
                with pytest.raises(WSSCallClosedError):
                    await call.answer()

            await trio.testing.wait_all_tasks_blocked()
            await control.send(CLOSED)
            await trio.sleep(0.9)
            assert state_of(call) is CallState.PENDING
            if opens:
                media = await exchange.media()
                await media.expect_command("call.answer")
                assert state_of(call) is CallState.PENDING
                await media.send(CallEvent("call.terminated"))
        assert state_of(call) is CallState.DISCONNECTED
