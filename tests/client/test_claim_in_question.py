"""A command on a call that may be anybody's: it waits for the claim, and goes to the new place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange, http
from tests.support.wires import on_the_first_wire
from trio_calls import ActiveCall, CallState, WSSCallClosedError, WSSError, WSSMediaError
from trio_calls.wire.first.control import SessionClosed, SessionReady
from trio_calls.wire.responses import Response

pytestmark = on_the_first_wire

DOWN = OSError("down")
REFUSED = http(401, "the token is not the one of the last call.in")


@asynccontextmanager
async def answering(call: ActiveCall, error: type[WSSError] | None = None) -> AsyncIterator[None]:
    """Let an application answer a call meanwhile, and perhaps get an error."""
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def answer() -> None:
            with nullcontext() if error is None else pytest.raises(error):
                await call.answer()

        await trio.testing.wait_all_tasks_blocked()
        yield


@pytest.mark.parametrize(
    ("method", "command"),
    [("answer", "call.answer"), ("connect", "call.connect"), ("disconnect", "call.disconnect")],
)
async def test_a_command_waits_for_the_new_claim(
    exchange: FakeExchange, method: str, command: str
) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.append(DOWN)
        await control.cut()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(getattr(call, method))
            renewed = await exchange.control()
            await renewed.grant("s", token="new token")
            media = await exchange.media()
            assert media.authorization == "Bearer new token"
            await media.accept(command)
        assert len(exchange.medias) == 1
        assert await renewed.rest() == []


async def test_a_command_waits_10_s_for_it_at_the_most(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.extend([DOWN] * 20)
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        with pytest.raises(WSSMediaError, match="could not be claimed again within 10 s"):
            await call.answer()
        assert trio.current_time() - began == pytest.approx(10)
        assert call.state is CallState.PENDING
        exchange.answers.clear()
        await (await exchange.control()).grant("s")
        await exchange.answer(call)


async def test_who_lets_go_does_not_wait_for_it(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        async with answering(call, WSSCallClosedError):
            await call.close()
            assert trio.current_time() == 0
        assert await (await exchange.control()).rest() == []


@pytest.mark.parametrize("error_code", ["SESSION_CLOSED", "SESSION_BUSY"])
async def test_a_command_ends_with_the_claim_that_it_waits_for(
    exchange: FakeExchange, error_code: str
) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        async with answering(call, WSSCallClosedError):
            await (await exchange.control()).refuse("s", error_code)
        assert call.state is CallState.DISCONNECTED


@pytest.mark.parametrize("is_offered", [True, False])
async def test_a_claim_lost_in_a_failing_opening_is_renewed(
    exchange: FakeExchange, is_offered: bool
) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.delay = 1
        exchange.answers.append(REFUSED)
        async with answering(call):
            await control.cut()
            await trio.sleep(0.9)
            exchange.delay = 0
            renewed = await exchange.control()
            if is_offered:
                await renewed.offer("s")
            await renewed.grant("s", token="new token")
            media = await exchange.media()
            assert media.authorization == "Bearer new token"
            await media.accept("call.answer")
        assert await renewed.rest() == []


async def test_nor_is_it_lost_when_nobody_waits_any_more(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.delay = 5
        exchange.answers.extend([None, REFUSED])  # the first is for the control connection
        with trio.move_on_after(1):
            await call.answer()
        exchange.delay = 0
        await control.cut()
        renewed = await exchange.control()
        await renewed.offer("s")
        await renewed.grant("s", token="new token")
        assert trio.current_time() == 5
        assert (await exchange.answer(call)).authorization == "Bearer new token"


async def test_what_is_being_opened_is_not_claimed_again(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, switchboard):
        exchange.accepting = trio.Event()
        async with answering(call):
            await control.cut()
            exchange.accepting.set()
            media = await exchange.media()
            renewed = await exchange.control()
            await renewed.offer("s")
            assert await renewed.rest() == []
            await media.accept("call.answer")
        assert await renewed.rest() == []
        assert len(switchboard.calls) == 1


async def test_an_opening_is_refused_before_the_loss_is_noticed(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.append(REFUSED)
        async with answering(call):
            await trio.sleep(1)
            await control.cut()
            await (await exchange.control()).grant("s", token="new token")
            media = await exchange.media()
            assert media.authorization == "Bearer new token"
            await media.accept("call.answer")


async def test_an_opening_is_refused_before_the_hangup_is_told(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.append(http(404, "there is no such call"))
        async with answering(call, WSSCallClosedError):
            await trio.sleep(1)
            await control.send(SessionClosed("s"))
        assert call.state is CallState.DISCONNECTED


async def test_a_failed_opening_waits_for_news_for_2_s_only(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, _, _):
        exchange.answers.append(REFUSED)
        with pytest.raises(WSSMediaError, match="401"):
            await call.answer()
        assert trio.current_time() == 2
        assert call.state is CallState.PENDING
        await exchange.answer(call)


async def test_new_places_are_not_tried_for_ever(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.extend([REFUSED] * 20)
        async with answering(call, WSSMediaError):
            for number in range(20):
                await control.send(call_in("s", token=f"token {number}"))
                await trio.testing.wait_all_tasks_blocked()
        assert len(exchange.attempts) == 1 + 5


async def test_an_offer_after_a_failed_opening_is_no_repetition(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        exchange.answers.append(REFUSED)
        with pytest.raises(WSSMediaError):
            await call.answer()
        await control.offer("s", "s")
        await control.grant("s", token="new token")
        assert await control.rest() == []
        assert (await exchange.answer(call)).authorization == "Bearer new token"
        await control.offer("s")
        assert await control.rest() == []


async def test_an_offer_that_overtakes_the_loss_of_media_is_kept(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, switchboard):
        async with answering(call, WSSMediaError):
            media = await exchange.media()
            await control.offer("s")
            assert await control.rest() == []
            await media.cut()
        assert call.state is CallState.DISCONNECTED
        await control.grant("s")
        again = await switchboard.next_call()
        await exchange.answer(again)


async def test_a_hangup_while_a_lost_connection_has_the_call(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client_where_it_rings() as (call, first, switchboard):
        await first.cut()
        second = await exchange.control()
        await second.expect_claim("s")
        await second.cut()
        third = await exchange.control()
        for holder in (first, second):
            await third.refuse("s", "SESSION_BUSY", holder.connection_id)
        await third.refuse("s", "SESSION_CLOSED")
        await call.wait_disconnected()
        assert await third.rest() == []
        assert switchboard.held == 0


async def test_a_call_that_is_held_here_already_is_ours(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.offer("s")
        await control.refuse("s", "SESSION_BUSY", control.connection_id)
        await control.expect(SessionReady)
        await control.send(call_in("s"))
        await exchange.answer(await switchboard.next_call())


async def test_a_renewed_claim_whose_call_never_comes_is_given_back(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client_where_it_rings() as (call, control, _):
        await control.cut()
        renewed = await exchange.control()
        claim = await renewed.expect_claim("s")
        await renewed.send(Response(claim.request_id, is_ok=True))
        await renewed.expect(SessionReady)
        granted_at = trio.current_time()
        await renewed.over.wait()
        assert trio.current_time() == pytest.approx(granted_at + 60)
        await (await exchange.control()).grant("s")
        await exchange.answer(call)
