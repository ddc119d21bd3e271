"""From an offer to a handler: every call is claimed once, and none that is on offer is lost."""

import logging

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import call_in, offer
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import ActiveCall, CallState, events, open_call_client
from trio_calls.wire.commands import CallEvent
from trio_calls.wire.first.control import SessionClosed, SessionReady
from trio_calls.wire.responses import Response


def levels(caplog: pytest.LogCaptureFixture, text: str) -> list[int]:
    return [record.levelno for record in caplog.records if text in record.message]


@on_the_first_wire
async def test_an_offer_is_claimed_and_becomes_a_call(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.offer("s")
        claim = await control.expect_claim("s")
        assert await control.rest() == []
        await control.send(Response(claim.request_id, is_ok=True, content={"session": {}}))
        assert (await control.expect(SessionReady)).session_id == "s"
        await trio.testing.wait_all_tasks_blocked()
        assert switchboard.calls == []

        await control.send(call_in("s"))
        call = await switchboard.next_call()
        assert call.state is CallState.PENDING
        assert (call.call_id, call.caller_number, call.callee_number) == (
            "call of s",
            "caller of s",
            "callee of s",
        )
        assert client.calls == (call,)
        assert await control.rest() == []


async def test_without_a_handler_nothing_is_claimed(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()):
        control = await exchange.control()
        await control.offer("first", "second")
        await trio.sleep(20)
        assert await control.rest() == []


@pytest.mark.parametrize("moment", ["unclaimed", "claimed", "a call"])
async def test_an_offer_that_comes_again_is_claimed_once(
    exchange: FakeExchange, moment: str
) -> None:
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        await control.offer("s")
        if moment == "unclaimed":
            await control.offer("s", "s")
            await trio.testing.wait_all_tasks_blocked()
        client.on(events.INCOMING_CALL)(switchboard)
        claim = await control.expect_claim("s")
        if moment == "claimed":
            await control.offer("s", "s")
        await control.give(claim)
        await switchboard.next_call()
        if moment == "a call":
            await control.offer("s", "s")
        assert await control.rest() == []
        assert len(switchboard.calls) == 1


@on_the_first_wire
@pytest.mark.parametrize("error_code", ["SESSION_BUSY", "SESSION_CLOSED", "SESSION_NOT_FOUND"])
async def test_a_call_that_somebody_else_has_is_worth_a_line_at_debug(
    exchange: FakeExchange, error_code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "trio_calls")
    async with exchange.open_client() as (client, control, _):
        await control.offer("s")
        await control.refuse("s", error_code)
        assert await control.rest() == []
        assert client.calls == ()
    assert levels(caplog, error_code) == [logging.DEBUG]
    assert max(record.levelno for record in caplog.records) <= logging.INFO


@on_the_second_wire
async def test_so_is_one_that_the_second_wire_does_not_find(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "trio_calls")
    async with exchange.open_client() as (client, control, _):
        await control.offer("s")
        await control.refuse("s")
        assert await control.rest() == []
        assert client.calls == ()
    assert levels(caplog, "CALL_NOT_FOUND") == [logging.DEBUG]
    assert max(record.levelno for record in caplog.records) <= logging.INFO


@pytest.mark.parametrize("error_code", ["FORBIDDEN", "QUOTA_EXCEEDED", "OF_TOMORROW"])
async def test_another_refusal_of_a_claim_is_a_warning(
    exchange: FakeExchange, error_code: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.offer("s")
        await control.refuse("s", error_code)
        await control.ring("next")
        await switchboard.next_call()
    assert levels(caplog, error_code) == [logging.WARNING]


@on_the_first_wire
@pytest.mark.parametrize(
    ("activity", "channel"),
    [
        ("NEW_INCOMING_MESSAGE", "TELCO"),
        ("OF_TOMORROW", "TELCO"),
        ("", "TELCO"),
        ("NEW_INCOMING_CALL", "WA"),
        ("RESUME", "WA"),
    ],
)
async def test_what_is_no_telephone_call_is_left_alone(
    exchange: FakeExchange, activity: str, channel: str
) -> None:
    async with exchange.open_client() as (_, control, _):
        await control.send(offer("s", activity=activity, channel=channel))
        assert await control.rest() == []


@on_the_first_wire
async def test_a_ringing_call_that_resumes_is_taken_up(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.send(offer("s", activity="RESUME"))
        await control.grant("s")
        assert (await switchboard.next_call()).call_id == "call of s"


async def test_calls_offered_again_after_their_refusal_are_not_lost(
    exchange: FakeExchange,
) -> None:
    names = [f"session {number}" for number in range(20)]
    async with exchange.open_client() as (_, control, _):
        await control.offer(*names)
        for _ in names:
            claim = await control.next_claim()
            await control.send(control.words.refusal(claim), control.words.offer(claim.session_id))
        again = [await control.next_claim() for _ in names]
        assert sorted(claim.session_id for claim in again) == sorted(names)


@on_the_first_wire
@pytest.mark.parametrize("what", ["the response", "the call"])
@pytest.mark.parametrize("seconds", [29, 31, 59])
async def test_a_late_call_is_served_and_keeps_its_place(
    exchange: FakeExchange, what: str, seconds: float
) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (_, control, switchboard):
        await control.offer("late", "next")
        claim = await control.expect_claim("late")
        if what == "the response":
            await trio.sleep(seconds)
        await control.send(Response(claim.request_id, is_ok=True))
        await control.expect(SessionReady)
        if what == "the call":
            await trio.sleep(seconds)
        assert await control.rest() == []
        await control.send(call_in("late"))
        assert (await switchboard.next_call()).call_id == "call of late"
        assert trio.current_time() == seconds
        await control.send(SessionClosed("late"))
        await control.grant("next")


@on_the_first_wire
@pytest.mark.parametrize("is_granted", [False, True], ids=["no response", "no call"])
async def test_an_open_claim_is_taken_back_with_its_connection(
    exchange: FakeExchange, is_granted: bool
) -> None:
    """Nobody knows whose the session is then, and the exchange takes back what was on it."""
    async with exchange.open_client(max_concurrent_calls=1) as (client, control, switchboard):
        await control.offer("s", "next")
        claim = await control.expect_claim("s")
        if is_granted:
            await control.send(Response(claim.request_id, is_ok=True))
            await control.expect(SessionReady)
        await control.over.wait()
        assert trio.current_time() == 60
        assert await control.rest() == []  # "next" was not claimed as well
        assert client.calls == ()

        exchange.greeting = [offer("s"), offer("next")]
        renewed = await exchange.control()
        await renewed.grant("s")
        assert (await switchboard.next_call()).call_id == "call of s"
        assert await renewed.rest() == []


async def test_losing_an_open_claim_harms_no_call_in_progress(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring("talks")
        call = await switchboard.next_call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.answer)
            media = await exchange.media()
            await media.accept("call.answer")
        await control.offer("never answered")
        await control.over.wait()
        await exchange.control()
        await trio.sleep(60)
        assert call.state is CallState.ANSWERED
        assert client.calls == (call,)


@on_the_first_wire
@pytest.mark.parametrize("is_claimed", [False, True])
async def test_a_caller_who_gives_up_early_frees_the_place_at_once(
    exchange: FakeExchange, is_claimed: bool
) -> None:
    async with exchange.open_client(max_concurrent_calls=1) as (_, control, _):
        await control.offer("gives up", "next")
        claim = await control.expect_claim("gives up")
        response = Response(claim.request_id, is_ok=True)
        closed = SessionClosed("gives up", "CALL_TERMINATED")
        await control.send(*([response, closed] if is_claimed else [closed, response]))
        await control.expect(SessionReady)
        await control.grant("next")
        assert trio.current_time() == 0


@on_the_first_wire
async def test_the_first_word_about_a_call_counts_until_it_rings(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.offer("s")
        claim = await control.expect_claim("s")
        await control.send(Response(claim.request_id, is_ok=True))
        await control.expect(SessionReady)
        await control.send(call_in("s", "first"), call_in("s", "second"))
        await switchboard.next_call()
        assert await control.rest() == []
        assert len(switchboard.calls) == 1


@on_the_first_wire
async def test_a_ringing_call_may_be_told_to_be_answered_elsewhere(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        await control.send(call_in("s", "newer token"))
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.answer)
            media = await exchange.media()
            assert media.authorization == "Bearer newer token"
            await media.accept("call.answer")
        assert len(switchboard.calls) == 1


@on_the_first_wire
async def test_a_caller_who_gives_up_ends_an_untouched_call(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        await control.send(SessionClosed("s", "CALL_TERMINATED"))
        await call.wait_disconnected()
        assert call.state is CallState.DISCONNECTED
        await trio.testing.wait_all_tasks_blocked()
        assert client.calls == ()


async def test_a_call_offered_again_after_its_end_is_a_new_one(
    exchange: FakeExchange,
) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        first = await switchboard.next_call()
        media = await exchange.answer(first)
        await media.send(CallEvent("call.terminated"))
        await first.wait_disconnected()
        await trio.testing.wait_all_tasks_blocked()
        await control.ring("s")
        assert await switchboard.next_call() is not first


@pytest.mark.parametrize("is_left_at_once", [True, False])
async def test_a_call_that_was_let_go_is_left_to_other_workers(
    exchange: FakeExchange, is_left_at_once: bool
) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.close()
        if not is_left_at_once:
            await trio.sleep(5)

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(handler)
        control = await exchange.control()
        await control.ring("s")
        await trio.testing.wait_all_tasks_blocked()
        await control.offer("s")
        await trio.sleep(10)
        await control.offer("s")
        assert await control.rest() == []


@on_the_first_wire
async def test_a_call_offered_again_waits_for_its_handler_to_finish(
    exchange: FakeExchange,
) -> None:
    calls = []

    async def take_long_to_finish(call: object) -> None:
        calls.append(call)
        await trio.sleep(5)

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(take_long_to_finish)
        control = await exchange.control()
        await control.ring("s")
        await control.send(SessionClosed("s"), offer("s"), offer("s"))
        assert await control.rest() == []
        assert len(calls) == 1

        await control.expect_claim("s")
        assert trio.current_time() == 5
        assert await control.rest() == []
