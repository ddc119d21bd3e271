"""Who is told of a call on the second wire, and who may claim it."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.in_memory import tasks_of_ours
from tests.support.peers.second_sdk import SUBSCRIBER, SecondControlEnd, open_second_pair
from trio_calls.simulator import never_answers
from trio_calls.simulator.exchange import subscriber_sessions
from trio_calls.simulator.exchange.rotation import CLAIM_SECONDS
from trio_calls.simulator.exchange.subscriber_sessions import IDLE_SECONDS
from trio_calls.wire.first.control import SessionNotify
from trio_calls.wire.responses import Response
from trio_calls.wire.second.codec import read_claimed
from trio_calls.wire.second.control import (
    MAX_PARTICIPANTS,
    CallNotify,
    TriggerConditionsSetup,
)


async def notice(control: SecondControlEnd) -> str:
    return (await control.expect(CallNotify)).call_id


async def set_flow(control: SecondControlEnd, inbound_calls: str) -> None:
    setup = TriggerConditionsSetup("r", inbound_calls, False, True, False)
    assert (await control.ask(setup)).is_ok


async def test_each_call_is_told_to_one_by_turns(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        one, other = await sdk.open_second_control(), await sdk.open_second_control()
        calls = [simulator.place_call() for _ in range(4)]
        told = [await notice(control) for control in (one, other, one, other)]
        assert told == [call.call_id for call in calls]


async def test_a_call_that_is_not_claimed_is_told_to_another(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        one, other = await sdk.open_second_control(), await sdk.open_second_control()
        call = simulator.place_call()
        assert await notice(one) == call.call_id
        assert await other.is_quiet(CLAIM_SECONDS - 0.1)
        assert await notice(other) == call.call_id
        await one.open_session("one")
        late = await one.claim(call.call_id, "one")
        assert late.error_code == "CALL_NOT_FOUND"
        await other.open_session("other")
        assert (await other.claim(call.call_id, "other")).is_ok
        assert await one.is_quiet(3 * CLAIM_SECONDS)


async def test_a_call_is_told_to_all_before_it_is_told_again(autojump_clock: MockClock) -> None:
    """However many others are passed on with it."""
    async with open_second_pair() as (simulator, sdk):
        controls = [await sdk.open_second_control() for _ in range(2)]
        calls = {simulator.place_call().call_id for _ in range(4)}
        told = [{await notice(control) for _ in range(2)} for control in controls]
        again = [{await notice(control) for _ in range(2)} for control in controls]
        assert told == again[::-1]
        assert told[0] | told[1] == calls
        for control in controls:
            await notice(control)


async def test_one_alone_is_told_again(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        call = simulator.place_call()
        assert [await notice(control) for _ in range(3)] == [call.call_id] * 3
        call.caller.hang_up()
        assert await control.is_quiet(3 * CLAIM_SECONDS)


@pytest.mark.parametrize("end", ["claimed", "claimed on the first wire", "hung up"])
async def test_nothing_waits_for_a_claim_that_is_settled(
    autojump_clock: MockClock, end: str
) -> None:
    async with open_second_pair() as (simulator, sdk):
        control, other = await sdk.open_second_control(), await sdk.open_control()
        await trio.testing.wait_all_tasks_blocked()
        tasks = tasks_of_ours()
        call = simulator.place_call()
        await notice(control)
        if end == "claimed":
            await control.open_session()
            assert (await control.claim(call.call_id)).is_ok
        elif end == "claimed on the first wire":
            await other.take_call(call)
        else:
            call.caller.hang_up()
        await trio.testing.wait_all_tasks_blocked()
        assert tasks_of_ours() == tasks


async def test_a_lost_connection_passes_its_calls_on(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        one, other = await sdk.open_second_control(), await sdk.open_second_control()
        waiting, claimed = simulator.place_call(), simulator.place_call()
        assert await notice(one) == waiting.call_id
        assert await notice(other) == claimed.call_id
        await other.open_session()
        assert (await other.claim(claimed.call_id)).is_ok
        await one.websocket.aclose()
        assert await notice(other) == waiting.call_id
        third = await sdk.open_second_control()
        await other.websocket.aclose()
        assert await notice(third) == waiting.call_id


async def test_a_claim_stands_without_its_connection(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        one = await sdk.open_second_control()
        call = simulator.place_call()
        access = await one.take_call(call)
        await one.websocket.aclose()
        other = await sdk.open_second_control()
        assert await other.is_quiet(30)
        media = await sdk.open_second_media(access)
        await media.succeed("call.answer")
        await call.caller.wait_talking()


async def test_who_has_not_heard_of_its_claim_makes_it_again(autojump_clock: MockClock) -> None:
    """On another connection. That it is the same SDK shows in the name of its session."""
    async with open_second_pair() as (simulator, sdk):
        one = await sdk.open_second_control()
        call = simulator.place_call()
        await one.take_call(call)
        await one.websocket.aclose()
        other = await sdk.open_second_control()
        await other.open_session("another")
        assert (await other.claim(call.call_id, "another")).error_code == "CALL_NOT_FOUND"
        assert (await other.open_session()).content == {"created": False}
        granted = await other.claim(call.call_id)
        media = await sdk.open_second_media(read_claimed(granted.content))
        await media.succeed("call.answer")
        await call.caller.wait_talking()


async def test_a_call_that_waits_is_told_to_who_connects(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call = simulator.place_call()
        control = await sdk.open_second_control()
        assert await notice(control) == call.call_id


async def test_a_claim_needs_its_session(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        call = simulator.place_call()
        await notice(control)
        assert (await control.claim(call.call_id)).error_code == "SESSION_NOT_FOUND"
        assert (await control.open_session(subscriber="+1")).content == {"created": True}
        assert (await control.claim(call.call_id)).error_code == "SUBSCRIBER_MISMATCH"
        assert (await control.open_session()).error_code == "SUBSCRIBER_MISMATCH"
        await control.open_session("mine")
        assert (await control.claim("another", "mine")).error_code == "CALL_NOT_FOUND"
        first = await control.claim(call.call_id, "mine")
        again = await control.claim(call.call_id, "mine")
        assert first.is_ok
        assert again.is_ok
        assert first.content["token"] != again.content["token"]


async def test_a_session_is_with_five_at_most(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        await control.open_session()
        for number in range(MAX_PARTICIPANTS):
            call = simulator.place_call(caller=f"+{number}")
            await notice(control)
            assert (await control.claim(call.call_id)).is_ok
        call = simulator.place_call(caller="+6")
        await notice(control)
        assert (await control.claim(call.call_id)).error_code == "PARTICIPANTS_FULL"
        known = simulator.place_call(caller="+0")
        await notice(control)
        assert (await control.claim(known.call_id)).is_ok


async def test_a_session_is_forgotten_when_it_is_idle(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (_, sdk):
        control = await sdk.open_second_control()
        await control.open_session()
        await trio.sleep(IDLE_SECONDS - 1)
        assert (await control.open_session()).content == {"created": False}
        await trio.sleep(IDLE_SECONDS - 1)
        assert (await control.claim("x")).error_code == "CALL_NOT_FOUND"
        await trio.sleep(IDLE_SECONDS)
        assert (await control.claim("x")).error_code == "SESSION_NOT_FOUND"
        assert (await control.open_session(subscriber="+1")).content == {"created": True}


async def test_a_connector_has_so_many_sessions(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_sessions, "MAX_SESSIONS", 2)
    async with open_second_pair() as (_, sdk):
        control = await sdk.open_second_control()
        answers = [await control.open_session(name) for name in ("1", "2", "3", "2")]
        assert [answer.error_code for answer in answers] == [None, None, "QUOTA_EXCEEDED", None]
        await trio.sleep(IDLE_SECONDS)
        assert (await control.open_session("3")).is_ok


async def test_conditions_hold_for_all_and_over_reconnects(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        one, other = await sdk.open_second_control(), await sdk.open_second_control()
        await set_flow(one, "NO")
        call = simulator.place_call()
        assert await other.is_quiet(1)
        await one.websocket.aclose()
        await other.websocket.aclose()
        await trio.sleep(1)
        third = await sdk.open_second_control()
        assert await third.is_quiet(1)
        await third.send(TriggerConditionsSetup("r", "ALL", False, True, False))
        assert await notice(third) == call.call_id
        assert (await third.expect(Response)).is_ok


async def test_a_missed_call_is_told_after_it_rang(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        await set_flow(control, "MISSED_ONLY")
        simulator.place_call(pickup=never_answers())
        began = trio.current_time()
        await notice(control)
        assert trio.current_time() - began == pytest.approx(20, abs=0.1)


async def test_both_wires_are_spoken_side_by_side(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        first, second = await sdk.open_control(), await sdk.open_second_control()
        call = simulator.place_call()
        assert (await first.expect(SessionNotify)).session_id == call.session_id
        assert await notice(second) == call.call_id
        assert (await first.claim(call.session_id)).is_ok
        await second.open_session(subscriber=SUBSCRIBER)
        assert (await second.claim(call.call_id)).error_code == "CALL_NOT_FOUND"


async def test_both_may_have_a_call_at_the_same_time(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        second = await sdk.open_second_control()
        theirs = simulator.place_call()
        media = await sdk.open_second_media(await second.take_call(theirs))
        await second.websocket.aclose()
        first = await sdk.open_control()
        ours = simulator.place_call()
        other = await sdk.open_media(await first.take_call(ours))
        await media.succeed("call.answer")
        await other.succeed("call.answer")
        media.say(b"\1\0" * 480)
        other.say(b"\2\0" * 480)
        await trio.sleep(0.2)
        assert b"\1\0" * 480 in theirs.caller.heard
        assert b"\2\0" * 480 in ours.caller.heard
