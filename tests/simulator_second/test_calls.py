"""Calls over the second wire: from the announcement to the end, and what each party heard."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.second_sdk import (
    SecondMediaEnd,
    SecondSdkEnd,
    open_second_pair,
    open_second_sdk,
)
from trio_calls.audio import mix, noise, to_pcm, to_samples
from trio_calls.audio_format import AudioMode
from trio_calls.simulator import (
    PhoneState,
    Pickup,
    SimulatedCall,
    Simulator,
    answers,
    declines,
    never_answers,
    open_simulator,
)
from trio_calls.simulator.phones.flow_buffer import WINDOW_MS
from trio_calls.state import AgentMode, CallState
from trio_calls.wire.second.control import CallNotify
from trio_calls.wire.second.media import Config, Flow

RATE = 24000
FRAME = 960


def speech(seed: int, frames: int = 5) -> bytes:
    return noise(frames * 0.02, RATE, seed)


async def answered(
    simulator: Simulator, sdk: SecondSdkEnd, audio_mode: AudioMode = AudioMode.MIXED
) -> tuple[SimulatedCall, SecondMediaEnd]:
    call = simulator.place_call(pickup=answers(after_seconds=1))
    media = await sdk.take_second_call(call, audio_mode)
    await media.succeed("call.answer")
    return call, media


async def test_from_the_announcement_to_the_call(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        control = await sdk.open_second_control()
        call = simulator.place_call(caller="+1", callee="+2")
        notice = await control.expect(CallNotify)
        assert notice.call_id == call.call_id
        assert (notice.participant, notice.subscriber) == ("+1", "+2")
        assert notice.channel == "TELCO"
        opened = await control.open_session(subscriber="+2")
        assert (opened.is_ok, opened.content) == (True, {"created": True})
        claimed = await control.claim(call.call_id)
        assert claimed.content["url"] == f"ws://simulator/v1/agent/media/{call.call_id}"
        await call.wait_claimed()
        assert await control.is_quiet()


async def test_an_answered_call_carries_audio_both_ways(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        caller, agent = speech(1), speech(2)
        call.caller.say_nowait(caller)
        media.say(agent)
        await trio.sleep(0.15)
        assert media.config == Config(20)
        assert call.caller.said == media.heard() == caller + bytes(2 * FRAME)
        assert call.caller.heard == agent + bytes(2 * FRAME)
        assert call.agent_said == call.caller.heard


async def test_an_echo_comes_back_sample_by_sample(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        media.echoes = True
        said = speech(3, frames=50)
        await call.caller.say(said)
        await trio.sleep(0.1)
        assert said in call.caller.heard


async def test_credit_is_what_was_played_and_a_window(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        await trio.sleep(0.2)
        assert media.flows == [Flow(0, 0, WINDOW_MS)]
        media.say(speech(1, frames=10))
        await trio.sleep(0.15)
        played = len(call.agent_said.rstrip(b"\0")) - call.agent_said.count(bytes(FRAME)) * FRAME
        assert media.flows[-1].drained_ms * 48 == played
        await trio.sleep(0.15)
        assert [flow.drained_ms for flow in media.flows] == list(range(0, 201, 20))
        assert {flow.window_ms for flow in media.flows} == {WINDOW_MS}
        assert speech(1, frames=10) in call.caller.heard


async def test_a_short_frame_is_played_when_nothing_follows(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        media.say(speech(1, frames=2)[: FRAME + 480])
        await trio.sleep(0.2)
        heard = speech(1, frames=2)[: FRAME + 480].ljust(2 * FRAME, b"\0")
        assert heard in call.caller.heard
        assert media.flows[-1] == Flow(0, 30, WINDOW_MS)


async def test_an_interruption_is_done_with_at_once(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        media.say(speech(1, frames=3))
        await trio.sleep(0.03)
        await media.succeed("agent.interrupt")
        await trio.sleep(0.1)
        assert media.flows[-1] == Flow(0, 60, WINDOW_MS)
        assert call.caller.heard[:FRAME] == speech(1, frames=3)[:FRAME]
        assert not any(call.caller.heard[FRAME:])


async def test_goodbye_is_heard_and_accounted_for(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        media.say(speech(1, frames=3)[:-480])
        await media.succeed("call.close")
        await media.closed.wait()
        assert call.caller.heard == speech(1, frames=3)[:-480] + bytes(480)
        assert call.ended
        allowed = {flow.drained_ms + flow.window_ms for flow in media.flows}
        assert max(allowed) == WINDOW_MS


async def test_legs_come_apart_and_nothing_mixed(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk, AudioMode.ISOLATED)
        await media.succeed("call.connect", 60)
        caller, callee, agent = speech(1), speech(2), speech(3)
        call.caller.say_nowait(caller)
        call.callee.say_nowait(callee)
        media.say(agent)
        await trio.sleep(0.3)
        assert caller in media.heard(0)
        assert callee in media.heard(1)
        assert callee not in media.heard(0)
        assert {frame.track for frame in media.frames} == {0, 1}
        both = to_pcm(mix(to_samples(callee), to_samples(agent)))
        assert both in call.caller.heard


@pytest.mark.parametrize(
    ("command", "mode", "hears"),
    [
        ("agent.barge", AgentMode.BARGE, (True, True)),
        ("agent.whisper", AgentMode.WHISPER, (False, True)),
        ("agent.spy", AgentMode.SPY, (False, False)),
    ],
)
async def test_who_hears_the_agent_is_its_mode(
    autojump_clock: MockClock, command: str, mode: AgentMode, hears: tuple[bool, bool]
) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        await media.succeed("call.connect", 60)
        await media.succeed(command)
        media.say(speech(1))
        await trio.sleep(0.2)
        heard = [speech(1) in phone.heard for phone in (call.caller, call.callee)]
        assert (call.agent_mode, tuple(heard)) == (mode, hears)


async def test_an_exchange_may_begin_with_silence(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(mode_after_connect=AgentMode.SPY) as simulator,
        open_second_sdk(simulator.config) as sdk,
    ):
        call, media = await answered(simulator, sdk)
        media.say(speech(1))
        await trio.sleep(0.2)
        await media.succeed("call.connect", 60)
        assert call.agent_mode is AgentMode.SPY
        media.say(speech(2))
        await trio.sleep(0.2)
        await media.succeed("agent.barge")
        media.say(speech(3))
        await trio.sleep(0.2)
        assert [speech(seed) in call.caller.heard for seed in (1, 2, 3)] == [True, False, True]


async def test_a_call_out_is_prepared_then_placed(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        simulator.set_pickup("+3", answers(after_seconds=2))
        control = await sdk.open_second_control()
        await control.open_session()
        created = await control.create_call("+3")
        (call,) = simulator.calls
        assert (call.callee.number, call.callee.state) == ("+3", PhoneState.IDLE)
        assert call.call_id == created.call_id
        media = await sdk.open_second_media(created)
        assert await media.fail("call.answer") == "INVALID_STATE"
        assert await media.fail("call.connect", 60) == "INVALID_STATE"
        began = trio.current_time()
        await media.succeed("call.dial", 30)
        assert trio.current_time() - began == pytest.approx(2, abs=0.1)
        assert call.agent_states == [CallState.PENDING, CallState.ANSWERED]
        assert await media.fail("call.dial", 30) == "INVALID_STATE"
        media.say(speech(1))
        call.callee.say_nowait(speech(2))
        await trio.sleep(0.2)
        assert speech(1) in call.callee.heard
        assert speech(2) in media.heard()
        await media.succeed("call.disconnect")
        await call.wait_ended()


@pytest.mark.parametrize(
    ("pickup", "error_code"),
    [(never_answers(), "CALL_UNANSWERED"), (declines(after_seconds=1), "CALL_DECLINED")],
)
async def test_a_call_out_that_nobody_takes_is_over(
    autojump_clock: MockClock, pickup: Pickup, error_code: str
) -> None:
    async with open_second_pair() as (simulator, sdk):
        simulator.set_pickup("+3", pickup)
        control = await sdk.open_second_control()
        await control.open_session()
        media = await sdk.open_second_media(await control.create_call("+3"))
        assert await media.fail("call.dial", 5) == error_code
        await media.closed.wait()
        assert simulator.calls[0].ended


async def test_a_phone_that_rings_can_be_hung_up_on_both_sides(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        simulator.set_pickup("+3", never_answers())
        control = await sdk.open_second_control()
        await control.open_session()
        media = await sdk.open_second_media(await control.create_call("+3"))
        dialing = media.start("call.dial", 60)
        await trio.sleep(1)
        assert simulator.calls[0].callee.state is PhoneState.RINGING
        await media.succeed("call.close")
        await media.closed.wait()
        assert media.order[0] == dialing
        other = await sdk.open_second_media(await control.create_call("+3"))
        other.start("call.dial", 60)
        await trio.sleep(1)
        simulator.calls[1].callee.hang_up()
        await other.closed.wait()
        assert other.order[-1] == "call.terminated"


async def test_a_caller_who_hangs_up_ends_the_call(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        call, media = await answered(simulator, sdk)
        call.caller.hang_up()
        await media.closed.wait()
        assert media.order[-1] == "call.terminated"


async def test_dialing_is_for_calls_of_ones_own(autojump_clock: MockClock) -> None:
    async with open_second_pair() as (simulator, sdk):
        media = await sdk.take_second_call(simulator.place_call())
        assert await media.fail("call.dial", 30) == "INVALID_STATE"
        await media.succeed("call.answer")


async def test_another_connection_counts_from_the_beginning(autojump_clock: MockClock) -> None:
    async with (
        open_simulator(second_media_connection="replace") as simulator,
        open_second_sdk(simulator.config) as sdk,
    ):
        call = simulator.place_call()
        control = await sdk.open_second_control()
        access = await control.take_call(call)
        first = await sdk.open_second_media(access)
        await first.succeed("call.answer")
        first.say(speech(1, frames=3))
        await trio.sleep(0.03)
        second = await sdk.open_second_media(access)
        second.say(speech(2))
        await trio.sleep(0.3)
        assert speech(1, frames=3) + speech(2) in call.caller.heard
        assert second.heard()
        assert second.flows[-1] == Flow(0, 100, WINDOW_MS)
        assert simulator.violations == []
