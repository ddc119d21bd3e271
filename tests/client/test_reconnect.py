"""What the loss of the control connection does to calls: to those in progress, nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallState, events, open_call_client
from trio_calls.wire.commands import CommandResponse
from trio_calls.wire.first.control import SessionOpen, SessionReady
from trio_calls.wire.responses import Response

FRAMES = [bytes([number, 0]) * 480 for number in range(100)]


async def test_a_call_in_progress_goes_on_with_audio_both_ways(exchange: FakeExchange) -> None:
    heard = []
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        exchange.answers.extend([OSError("down")] * 4)
        stream = call.audio_stream()
        for number, frame in enumerate(FRAMES):
            if number == 20:
                await control.cut()
            await media.speak(frame)
            heard.append(await anext(stream))
            await call.send_audio(frame)
            assert await media.pull(960) == frame
            await trio.sleep(0.2)
        assert len(exchange.attempts) == 7  # two at first, four in vain
        assert heard == FRAMES
        assert call.state is CallState.ANSWERED
        assert call.statistics().dropped_frames == 0

        renewed = await exchange.control()
        await renewed.offer("s")  # nonsense: it is a call already
        assert await renewed.rest() == []
        assert client.calls == (call,)


async def test_a_ringing_call_with_media_is_not_claimed_again(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.answer)
            media = await exchange.media()
            command = await media.expect_command("call.answer")
            await control.cut()
            renewed = await exchange.control()
            assert await renewed.rest() == []
            assert switchboard.held == 1
            await media.send(CommandResponse(command.command_id, success=True))
        assert call.state is CallState.ANSWERED


async def test_what_was_offered_meanwhile_is_taken_up_once(exchange: FakeExchange) -> None:
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(switchboard)
        await (await exchange.control()).cut()
        exchange.greeting = [exchange.words.offer("s")] * 2
        control = await exchange.control()
        await control.grant("s")
        await switchboard.next_call()
        assert await control.rest() == []
        assert len(switchboard.calls) == 1


@on_the_first_wire
@pytest.mark.parametrize("is_granted", [False, True])
async def test_a_claim_in_flight_is_void_and_made_again(
    exchange: FakeExchange, is_granted: bool
) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (_, control, switchboard):
        await control.offer("s")
        claim = await control.expect_claim("s")
        if is_granted:
            await control.send(Response(claim.request_id, is_ok=True))
            await control.expect(SessionReady)
        await control.cut()
        renewed = await exchange.control()
        assert await renewed.rest() == []
        await renewed.ring("s")
        assert (await switchboard.next_call()).call_id == "call of s"
        assert await renewed.rest() == []
        assert len(switchboard.calls) == 1


@asynccontextmanager
async def open_reconnected_where_it_rings(
    exchange: FakeExchange,
) -> AsyncIterator[tuple[ActiveCall, ControlEnd, Switchboard]]:
    """A client in whose handler a call has rung since before its control connection."""
    async with exchange.open_client_where_it_rings() as (call, control, switchboard):
        await control.cut()
        yield call, await exchange.control(), switchboard
        assert switchboard.calls == [call]


@on_the_first_wire
@pytest.mark.parametrize("offers", [0, 1, 2])
async def test_a_ringing_call_is_claimed_again_and_answered(
    exchange: FakeExchange, offers: int
) -> None:
    async with open_reconnected_where_it_rings(exchange) as (call, control, _):
        await control.offer(*["s"] * offers)
        await control.grant("s", token="new token")
        assert await control.rest() == []
        assert call.state is CallState.PENDING
        media = await exchange.answer(call)
        assert media.authorization == "Bearer new token"


@on_the_first_wire
@pytest.mark.parametrize(
    ("error_code", "holder"),
    [
        ("SESSION_BUSY", "another SDK"),
        ("SESSION_BUSY", None),
        ("SESSION_CLOSED", None),
        ("SESSION_NOT_FOUND", None),
        ("FORBIDDEN", None),
    ],
)
async def test_a_ringing_call_that_was_lost_meanwhile_is_over(
    exchange: FakeExchange, error_code: str, holder: str | None
) -> None:
    async with open_reconnected_where_it_rings(exchange) as (call, control, switchboard):
        await control.refuse("s", error_code, holder)
        await call.wait_disconnected()
        assert call.state is CallState.DISCONNECTED
        await trio.testing.wait_all_tasks_blocked()
        assert switchboard.held == 0


@on_the_first_wire
async def test_a_ringing_call_waits_until_its_loss_is_noticed(
    exchange: FakeExchange,
) -> None:
    async with open_reconnected_where_it_rings(exchange) as (call, control, _):
        await control.cut()
        newer = await exchange.control()
        for _ in range(5):
            await newer.refuse("s", "SESSION_BUSY", holder=control.connection_id)
            await trio.sleep(5)
            assert call.state is CallState.PENDING

        await newer.refuse("s", "SESSION_BUSY", holder=control.connection_id)
        assert await newer.rest() == []
        noticed_at = trio.current_time()
        await newer.ring("s")
        await exchange.answer(call)
        assert trio.current_time() == noticed_at


@on_the_first_wire
async def test_an_unanswered_new_claim_is_made_on_the_next_connection(
    exchange: FakeExchange,
) -> None:
    async with open_reconnected_where_it_rings(exchange) as (call, control, _):
        await control.expect_claim("s")
        claimed_at = trio.current_time()
        await control.over.wait()
        assert trio.current_time() == pytest.approx(claimed_at + 60)
        newer = await exchange.control()
        await newer.grant("s", token="new token")
        assert await newer.rest() == []
        assert (await exchange.answer(call)).authorization == "Bearer new token"


@on_the_first_wire
async def test_a_ringing_call_outlives_connections_that_come_and_go(
    exchange: FakeExchange,
) -> None:
    async with open_reconnected_where_it_rings(exchange) as (call, first, _):
        control = first
        for _ in range(3):
            await control.expect_claim("s")
            await control.cut()
            control = await exchange.control()
            assert call.state is CallState.PENDING
        await control.grant("s")
        await exchange.answer(call)


@on_the_first_wire
async def test_a_call_that_came_with_the_last_frames_is_served(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.offer("s")
        claim = await control.expect(SessionOpen)
        await control.send(Response(claim.request_id, is_ok=True))
        await control.expect(SessionReady)
        await control.send(call_in("s"))
        await control.cut()
        renewed = await exchange.control()
        await renewed.grant("s")
        await exchange.answer(await switchboard.next_call())
        assert len(switchboard.calls) == 1
