"""How calls end, and for whom."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import (
    FRAME,
    RawControl,
    RawMedia,
    RawSdk,
    open_pair,
    phone_states,
)
from trio_calls.audio import noise
from trio_calls.simulator import PhoneState, SimulatedCall, Simulator, answers, never_answers
from trio_calls.simulator.phones.jitter_buffer import JITTER_FRAMES
from trio_calls.state import CallState
from trio_calls.wire.first.control import CallIn, SessionClosed, SessionNotify, SessionReady

PENDING, ANSWERED, CONNECTED, DISCONNECTED = CallState


async def call_in_state(
    state: CallState, simulator: Simulator, sdk: RawSdk
) -> tuple[SimulatedCall, RawControl, RawMedia]:
    call = simulator.place_call(pickup=answers(after_seconds=1))
    control = await sdk.open_control()
    media = await sdk.open_media(await control.take_call(call))
    if state is ANSWERED:
        await media.succeed("call.answer")
    if state is CONNECTED:
        await media.succeed("call.connect", 60)
    return call, control, media


async def closing_reason(control: RawControl, call: SimulatedCall) -> str:
    closed = await control.expect(SessionClosed)
    assert closed.session_id == call.session_id
    return closed.reason


@pytest.mark.parametrize("command", ["call.close", "call.disconnect"])
@pytest.mark.parametrize("state", [PENDING, ANSWERED, CONNECTED])
async def test_the_agent_ends_it(state: CallState, command: str, autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(state, simulator, sdk)
        await media.succeed(command)
        assert await closing_reason(control, call) == "SDK_REQUEST"
        await media.closed.wait()
        await call.wait_agent_left()
        assert media.events == []
        assert call.agent_states[-1] is DISCONNECTED
        assert call.agent_mode is None
        goes_on = command == "call.close" and state is CONNECTED
        assert call.ended is not goes_on
        expected = PhoneState.TALKING if goes_on else PhoneState.HUNG_UP
        assert phone_states(call) == (expected, expected)


async def test_a_conference_goes_on_without_its_agent(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(CONNECTED, simulator, sdk)
        await media.succeed("call.close")
        assert await closing_reason(control, call) == "SDK_REQUEST"
        agent_heard = call.agent_heard
        caller, callee = noise(1, 24000, 1), noise(1, 24000, 2)
        call.callee.say_nowait(callee)
        await call.caller.say(caller)
        assert caller in call.callee.heard
        assert callee in call.caller.heard
        assert call.agent_heard == agent_heard

        call.callee.hang_up()
        await call.wait_ended()
        assert phone_states(call)[0] is PhoneState.HUNG_UP
        assert call.agent_states == [PENDING, CONNECTED, DISCONNECTED]
        assert await control.is_quiet()


@pytest.mark.parametrize("state", [PENDING, ANSWERED, CONNECTED])
async def test_the_caller_hangs_up(state: CallState, autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(state, simulator, sdk)
        call.caller.hang_up()
        call.caller.hang_up()
        await media.closed.wait()
        assert [event.event for event in media.events] == ["call.terminated"]
        assert await closing_reason(control, call) == "CALL_TERMINATED"
        await call.wait_ended()
        assert phone_states(call)[1] is PhoneState.HUNG_UP
        assert call.agent_states[-1] is DISCONNECTED
        assert await control.is_quiet()


async def test_the_callee_hangs_up(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(CONNECTED, simulator, sdk)
        call.callee.hang_up()
        await media.closed.wait()
        assert [event.event for event in media.events] == ["call.terminated"]
        assert await closing_reason(control, call) == "CALL_TERMINATED"
        await call.wait_ended()


async def test_the_caller_gives_up_while_the_callee_rings(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _, media = await call_in_state(PENDING, simulator, sdk)
        connecting = media.start("call.connect", 60)
        await trio.sleep(0.5)
        call.caller.hang_up()
        await media.closed.wait()
        assert media.order == ["call.terminated", connecting]
        assert (await media.response(connecting)).error_code == "CALL_CLOSED"
        await trio.sleep(10)
        assert phone_states(call)[1] is PhoneState.HUNG_UP


async def test_the_caller_gives_up_before_anybody_has_claimed(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        control = await sdk.open_control()
        await control.expect(SessionNotify)
        call.caller.hang_up()
        await call.wait_ended()
        assert await control.is_quiet()


async def test_the_caller_gives_up_before_there_is_a_media_connection(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        control = await sdk.open_control()
        await control.take_call(call)
        call.caller.hang_up()
        assert await closing_reason(control, call) == "CALL_TERMINATED"


async def test_a_waiting_call_whose_agent_is_lost_is_offered_again(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=never_answers())
        control = await sdk.open_control()
        media = await sdk.open_media(await control.take_call(call))
        media.start("call.connect", 60)
        await trio.sleep(1)
        assert phone_states(call)[1] is PhoneState.RINGING
        await media.websocket.aclose()

        offer = await control.expect(SessionNotify)
        assert offer.session_id == call.session_id
        assert phone_states(call) == (PhoneState.CALLING, PhoneState.IDLE)
        assert call.agent_states == [PENDING]

        assert (await control.claim(offer.session_id)).is_ok
        await control.send(SessionReady(offer.session_id))
        media = await sdk.open_media(await control.expect(CallIn))
        await media.succeed("call.answer")
        assert call.agent_states == [PENDING, ANSWERED]


@pytest.mark.parametrize("rings", [True, False])
async def test_an_answered_call_whose_agent_is_lost_is_over(
    rings: bool, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(ANSWERED, simulator, sdk)
        if rings:
            media.start("call.connect", 60)
            await trio.sleep(0.5)
        await media.websocket.aclose()
        await call.wait_ended()
        assert await closing_reason(control, call) == "CALL_TERMINATED"
        await trio.sleep(10)
        assert phone_states(call)[1] is PhoneState.HUNG_UP
        assert call.agent_states == [PENDING, ANSWERED, DISCONNECTED]


async def test_a_conference_whose_agent_is_lost_goes_on(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(CONNECTED, simulator, sdk)
        await media.websocket.aclose()
        await call.wait_agent_left()
        assert await closing_reason(control, call) == "CALL_TERMINATED"
        assert not call.ended
        assert phone_states(call) == (PhoneState.TALKING, PhoneState.TALKING)
        call.caller.hang_up()
        await call.wait_ended()


@pytest.mark.parametrize("command", ["call.close", "call.disconnect"])
@pytest.mark.parametrize("state", [ANSWERED, CONNECTED])
async def test_the_goodbye_is_heard(
    state: CallState, command: str, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call, _, media = await call_in_state(state, simulator, sdk)
        goodbye = noise(0.02 * JITTER_FRAMES - 0.01, 24000, 1)
        media.send_raw(b"\0" + goodbye)
        await media.succeed(command)
        await call.wait_agent_left()
        await trio.sleep(0.1)
        heard = call.caller.heard[: JITTER_FRAMES * FRAME]
        assert heard == goodbye + bytes(len(heard) - len(goodbye))
        assert len(call.agent_said) == JITTER_FRAMES * FRAME


async def test_a_goodbye_that_was_not_pulled_is_cut_off(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _, media = await call_in_state(ANSWERED, simulator, sdk)
        goodbye = noise(1, 24000, 1)
        media.say(goodbye)
        await trio.sleep(0.51)
        await media.succeed("call.close")
        heard = call.caller.heard
        assert heard == goodbye[: len(heard)]
        assert len(heard) == (25 + JITTER_FRAMES) * FRAME
        assert simulator.violations == []


async def test_audio_that_comes_after_the_goodbye_is_not_taken(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call, _, media = await call_in_state(ANSWERED, simulator, sdk)
        goodbye = noise(0.02, 24000, 1)
        media.send_raw(b"\0" + goodbye)
        closing = media.start("call.close")
        media.send_raw(b"\0" + noise(0.02, 24000, 2))
        assert (await media.response(closing)).success
        assert call.caller.heard == goodbye
        assert simulator.violations == []


async def test_the_caller_hangs_up_during_the_goodbye(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(CONNECTED, simulator, sdk)
        media.send_raw(b"\0" + bytes(2 * FRAME))
        closing = media.start("call.close")
        await trio.sleep(0.001)
        assert not call.ended
        call.caller.hang_up()
        assert (await media.response(closing)).success
        await media.closed.wait()
        assert media.events == []
        assert await closing_reason(control, call) == "SDK_REQUEST"
        await call.wait_ended()


@pytest.mark.parametrize("command", ["call.close", "call.disconnect"])
async def test_the_media_connection_is_lost_during_the_goodbye(
    command: str, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call, control, media = await call_in_state(CONNECTED, simulator, sdk)
        media.send_raw(b"\0" + b"\1\0" * FRAME)
        media.start(command)
        await trio.sleep(0.001)
        await media.websocket.aclose()
        await call.wait_agent_left()
        assert await closing_reason(control, call) == "SDK_REQUEST"
        assert call.agent_said == b"\1\0" * FRAME
        assert call.ended == (command == "call.disconnect")
