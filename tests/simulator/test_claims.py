"""Offers of calls, and who gets them."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import open_pair
from trio_calls.simulator import answers
from trio_calls.state import CallState
from trio_calls.wire.first.control import CallIn, SessionClosed, SessionNotify, SessionReady


async def test_from_the_offer_to_the_call(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call(caller="+1", callee="+2", pickup=answers())

        offer = await control.expect(SessionNotify)
        assert (offer.channel, offer.activity) == ("TELCO", "NEW_INCOMING_CALL")
        assert offer.session_id == call.session_id
        assert (offer.remote_address, offer.local_address) == ("+1", "+2")

        response = await control.claim(offer.session_id)
        assert response.is_ok
        session = response.content["session"]
        assert session["id"] == call.session_id
        assert session["channel"] == "TELCO"
        assert (session["remoteAddress"], session["localAddress"]) == ("+1", "+2")
        assert isinstance(session["openedAt"], int)
        await call.wait_claimed()

        assert await control.is_quiet()
        await control.send(SessionReady(offer.session_id))
        call_in = await control.expect(CallIn)
        assert call_in.session_id == call.session_id
        assert call_in.call_id == call.call_id
        assert (call_in.caller_number, call_in.callee_number) == ("+1", "+2")
        assert call_in.url == f"ws://simulator/v1/agent/media/{call.call_id}"
        assert call_in.token
        assert simulator.calls == [call]
        assert simulator.violations == []
        assert "PENDING" in repr(call)


async def test_the_first_claim_wins(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        first, second = await sdk.open_control(), await sdk.open_control()
        call = simulator.place_call()
        for control in (first, second):
            await control.expect(SessionNotify)
        won = await first.claim(call.session_id)
        lost = await second.claim(call.session_id)
        assert won.is_ok
        assert not lost.is_ok
        assert lost.error_code == "SESSION_BUSY"
        assert lost.error_content == {"boundSmWsId": first.connection_id}

        await second.send(SessionReady(call.session_id))
        assert await second.is_quiet()
        assert [violation.fault for violation in simulator.violations] == [
            "session.ready for a session that it does not hold"
        ]
        await first.send(SessionReady(call.session_id))
        await first.expect(CallIn)


async def test_two_claims_at_the_same_moment_have_one_winner(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        controls = [await sdk.open_control() for _ in range(5)]
        call = simulator.place_call()
        won = []
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def waits_for_the_claim() -> None:
                await call.wait_claimed()

            for control in controls:
                await control.expect(SessionNotify)

            async def claim(number: int) -> None:
                won.append((await controls[number].claim(call.session_id)).is_ok)

            for number in range(5):
                nursery.start_soon(claim, number)
        assert sorted(won) == [False] * 4 + [True]


async def test_who_connects_later_is_offered_what_nobody_has_claimed(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        calls = [simulator.place_call() for _ in range(3)]
        early = await sdk.open_control()
        for call in calls:
            assert (await early.expect(SessionNotify)).session_id == call.session_id
        await early.claim(calls[1].session_id)
        calls[2].caller.hang_up()

        late = await sdk.open_control()
        assert (await late.expect(SessionNotify)).session_id == calls[0].session_id
        assert await late.is_quiet()


async def test_a_burst_of_offers_is_offered_whole(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        calls = [simulator.place_call() for _ in range(1000)]
        for call in calls:
            assert (await control.expect(SessionNotify)).session_id == call.session_id


async def test_a_session_that_never_was(autojump_clock: MockClock) -> None:
    async with open_pair() as (_, sdk):
        control = await sdk.open_control()
        assert (await control.claim("nonsense")).error_code == "SESSION_NOT_FOUND"


async def test_a_session_that_is_over(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call()
        await control.expect(SessionNotify)
        call.caller.hang_up()
        assert (await control.claim(call.session_id)).error_code == "SESSION_CLOSED"
        assert call.agent_states == [CallState.PENDING, CallState.DISCONNECTED]


async def test_the_holder_may_claim_again_and_older_tokens_are_void(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call()
        old = await control.take_call(call)
        assert (await control.claim(call.session_id)).is_ok
        await control.send(SessionReady(call.session_id))
        new = await control.expect(CallIn)
        assert new.token != old.token
        assert new.token not in repr(new)
        media = await sdk.open_media(new)
        await media.succeed("call.answer")


async def test_ready_for_a_call_that_is_just_over_brings_nothing(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call()
        await control.expect(SessionNotify)
        await control.claim(call.session_id)
        call.caller.hang_up()
        closed = await control.expect(SessionClosed)
        assert (closed.session_id, closed.reason) == (call.session_id, "CALL_TERMINATED")
        await control.send(SessionReady(call.session_id))
        assert await control.is_quiet()
        assert simulator.violations == []


async def test_a_claimant_lost_before_it_acts_leaves_the_call(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        lost, other = await sdk.open_control(), await sdk.open_control()
        call = simulator.place_call()
        await lost.take_call(call)
        await other.expect(SessionNotify)
        await lost.websocket.aclose()

        offer = await other.expect(SessionNotify)
        assert offer.session_id == call.session_id
        assert (await other.claim(offer.session_id)).is_ok
        await other.send(SessionReady(offer.session_id))
        media = await sdk.open_media(await other.expect(CallIn))
        await media.succeed("call.answer")
        assert call.agent_states == [CallState.PENDING, CallState.ANSWERED]


async def test_a_released_claim_has_no_token(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        control = await sdk.open_control()
        call = simulator.place_call()
        call_in = await control.take_call(call)
        await control.websocket.aclose()
        await trio.sleep(1)
        assert await sdk.refusal(call_in.url, {"Authorization": f"Bearer {call_in.token}"}) == 401
        assert await sdk.refusal(call_in.url, {"Authorization": "Bearer None"}) == 401


async def test_losing_control_does_not_touch_a_call_with_media(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        control, other = await sdk.open_control(), await sdk.open_control()
        call = simulator.place_call()
        media = await sdk.open_media(await control.take_call(call))
        await other.expect(SessionNotify)
        await control.websocket.aclose()
        assert await other.is_quiet()
        assert (await other.claim(call.session_id)).error_code == "SESSION_BUSY"
        await media.succeed("call.answer")
        await media.succeed("call.disconnect")
        await call.wait_ended()


async def test_an_offer_that_cannot_travel_is_not_made(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, _):
        with pytest.raises(ValueError, match="Length"):
            simulator.place_call(caller="1" * 513)
        assert simulator.calls == []
