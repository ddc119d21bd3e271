"""Who hears what, sample by sample."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.peers.sdk import FRAME, RawMedia, RawSdk, open_pair
from trio_calls.audio import find, mix, noise, to_pcm, to_samples
from trio_calls.simulator import SimulatedCall, Simulator, answers
from trio_calls.simulator.phones.jitter_buffer import JITTER_FRAMES
from trio_calls.state import AgentMode

RATE = 24000


def speech(seed: int, frames: int = 5) -> bytes:
    return noise(frames * 0.02, RATE, seed)


def total(*signals: bytes) -> bytes:
    return to_pcm(mix(*map(to_samples, signals)))


async def conference(simulator: Simulator, sdk: RawSdk) -> tuple[SimulatedCall, RawMedia]:
    call = simulator.place_call(pickup=answers(after_seconds=1))
    media = await sdk.take_call(call)
    await media.succeed("call.connect", 60)
    return call, media


async def test_an_answered_call_carries_audio_both_ways(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        caller, agent = speech(1), speech(2)
        call.caller.say_nowait(caller)
        media.say(agent)
        await trio.sleep(0.15)

        assert call.caller.said == caller + bytes(2 * FRAME)
        assert call.caller.heard == agent + bytes(2 * FRAME)
        assert call.agent_heard == call.caller.said
        assert call.agent_said == call.caller.heard
        assert media.heard == {0: call.agent_heard}
        assert call.callee.heard == call.callee.said == b""


async def test_speech_that_is_no_whole_frame_is_filled_up(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        await call.caller.say(b"\1\0" * 481)
        assert call.agent_heard == b"\1\0" * 481 + bytes(2 * 479)


async def test_ringing_is_not_recorded(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=1))
        media = await sdk.take_call(call)
        await trio.sleep(10)
        assert call.caller.heard == b""
        await media.succeed("call.answer")
        await media.succeed("call.connect", 60)
        await trio.sleep(0.11)
        assert len(call.caller.heard) == len(call.caller.said) == 55 * FRAME
        assert len(call.callee.heard) == len(call.callee.said) == 6 * FRAME
        assert len(call.agent_heard) == len(call.agent_said) == 55 * FRAME


@pytest.mark.parametrize(
    ("mode", "caller_hears", "callee_hears"),
    [
        (AgentMode.BARGE, "callee agent", "caller agent"),
        (AgentMode.WHISPER, "callee", "caller agent"),
        (AgentMode.SPY, "callee", "caller"),
    ],
)
async def test_a_conference_in_each_mode(
    mode: AgentMode, caller_hears: str, callee_hears: str, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await conference(simulator, sdk)
        await media.succeed(f"agent.{mode.value.lower()}")
        voices = {"caller": speech(1), "callee": speech(2), "agent": speech(3)}
        call.caller.say_nowait(voices["caller"])
        call.callee.say_nowait(voices["callee"])
        media.say(voices["agent"])
        await trio.sleep(0.11)

        assert call.caller.heard == total(*(voices[name] for name in caller_hears.split()))
        assert call.callee.heard == total(*(voices[name] for name in callee_hears.split()))
        assert call.agent_heard == total(voices["caller"], voices["callee"])
        assert call.agent_said == voices["agent"]
        assert media.heard == {0: call.agent_heard}


async def test_a_mode_takes_effect_with_the_next_frame(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await conference(simulator, sdk)
        agent = speech(3, frames=50)
        media.say(agent)
        await trio.sleep(0.21)
        await media.succeed("agent.whisper")
        await trio.sleep(0.2)
        await media.succeed("agent.barge")
        await trio.sleep(0.7)

        assert call.callee.heard == agent + bytes(5 * FRAME)
        whispered = slice(10 * FRAME, 20 * FRAME)
        assert call.caller.heard[whispered] == bytes(10 * FRAME)
        assert call.caller.heard[: 10 * FRAME] == agent[: 10 * FRAME]
        assert call.caller.heard[20 * FRAME :] == agent[20 * FRAME :] + bytes(5 * FRAME)


async def test_loud_voices_saturate(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await conference(simulator, sdk)
        loud = (30000).to_bytes(2, "little", signed=True) * 480
        call.caller.say_nowait(loud)
        call.callee.say_nowait(loud)
        await trio.sleep(0.03)
        assert call.agent_heard == (32767).to_bytes(2, "little", signed=True) * 480
        assert call.caller.heard == loud


async def test_isolated_audio_has_a_channel_for_each_leg(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=0.1))
        media = await sdk.take_call(call, audio_mode="isolated")
        await media.succeed("call.answer")
        caller, callee = speech(1, frames=10), speech(2)
        call.caller.say_nowait(caller)
        call.callee.say_nowait(callee)
        await media.succeed("call.connect", 60)
        await trio.sleep(0.11)

        # The callee picks up at the moment of the fifth tick, and is in it.
        assert (
            media.heard[0]
            == caller[: 4 * FRAME] + total(caller[4 * FRAME : -FRAME], callee) + (caller[-FRAME:])
        )
        assert media.heard[1] == caller
        assert media.heard[2] == callee + bytes(FRAME)


async def test_the_agent_is_pulled_at_the_speed_of_playing(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        media.say(speech(1, frames=100))
        for tick in range(100 - JITTER_FRAMES):
            await trio.sleep_until(trio.current_time() + (0.01 if tick == 0 else 0.02))
            assert len(call.agent_said) == tick * FRAME
            assert media.unsent == (100 - JITTER_FRAMES - tick) * FRAME
        await trio.sleep(0.2)
        assert call.caller.heard[: 100 * FRAME] == speech(1, frames=100)
        assert simulator.violations == []


async def test_part_of_a_frame_is_heard_when_the_rest_comes(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        await media.succeed("call.answer")
        agent = speech(1, frames=1)
        media.send_raw(b"\0" + agent[:100])
        await trio.sleep(0.05)
        assert call.caller.heard == bytes(2 * FRAME)
        media.send_raw(b"\0" + agent[100:])
        await trio.sleep(0.02)
        assert call.caller.heard == bytes(2 * FRAME) + agent


async def test_an_echo_comes_back_whole(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call()
        media = await sdk.take_call(call)
        media.echoes = True
        await media.succeed("call.answer")
        caller = speech(1, frames=50)
        await call.caller.say(caller)
        await trio.sleep(0.5)
        match = find(caller, call.caller.heard)
        assert match.correlation == pytest.approx(1)
        assert match.offset_samples % 480 == 0
        assert call.caller.heard.strip(b"\0") in caller


async def test_a_long_call_keeps_time(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, media = await conference(simulator, sdk)
        await media.succeed("call.close")
        await trio.sleep(60.01)
        assert len(call.caller.heard) == len(call.callee.heard) == 3000 * FRAME


@pytest.mark.parametrize("mode", AgentMode)
async def test_isolated_legs_are_theirs_alone_in_each_mode(
    mode: AgentMode, autojump_clock: MockClock
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=1))
        media = await sdk.take_call(call, audio_mode="isolated")
        await media.succeed("call.connect", 60)
        await media.succeed(f"agent.{mode.value.lower()}")
        caller, callee, agent = speech(1), speech(2), speech(3)
        call.caller.say_nowait(caller)
        call.callee.say_nowait(callee)
        media.say(agent)
        await trio.sleep(0.11)

        # The agent is on none of them, whoever hears it.
        assert media.heard == {0: total(caller, callee), 1: caller, 2: callee}
        assert call.agent_said == agent
        assert call.caller.heard == (total(callee, agent) if mode is AgentMode.BARGE else callee)
        hears_nobody_else = mode is AgentMode.SPY
        assert call.callee.heard == (caller if hears_nobody_else else total(caller, agent))
