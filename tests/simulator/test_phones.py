"""The virtual telephones."""

from __future__ import annotations

import numpy as np
import pytest
import trio
from trio.testing import MockClock, assert_checkpoints

from tests.support.peers.sdk import FRAME, RawMedia, RawSdk, open_pair
from trio_calls.audio import noise
from trio_calls.simulator import (
    PhoneHungUp,
    PhoneState,
    SimulatedCall,
    Simulator,
    answers,
    never_answers,
)

SPEECH = noise(0.1, 24000, 1)


async def answered_call(simulator: Simulator, sdk: RawSdk) -> tuple[SimulatedCall, RawMedia]:
    call = simulator.place_call(pickup=answers(after_seconds=1))
    media = await sdk.take_call(call)
    await media.succeed("call.answer")
    return call, media


async def test_saying_takes_as_long_as_the_speech(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        started = trio.current_time()
        with assert_checkpoints():
            await call.caller.say(SPEECH)
        assert trio.current_time() - started == pytest.approx(0.1)
        assert call.agent_heard == SPEECH
        with assert_checkpoints():
            await call.caller.say(b"")


async def test_what_is_said_before_the_call_is_connected_waits_for_it(
    autojump_clock: MockClock,
) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=1))
        media = await sdk.take_call(call)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.caller.say, SPEECH)
            nursery.start_soon(call.callee.say, SPEECH)
            await trio.sleep(5)
            await media.succeed("call.connect", 60)
        assert call.caller.said == call.callee.said == SPEECH


async def test_a_cancelled_utterance_is_cut_off(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        with trio.move_on_after(0.05):
            await call.caller.say(SPEECH)
        after = noise(0.04, 24000, 2)
        await call.caller.say(after)
        assert call.agent_heard == SPEECH[: 2 * FRAME] + after


async def test_a_call_that_ends_ends_what_is_said(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hang_up_in_the_middle() -> None:
                await trio.sleep(0.05)
                call.caller.hang_up()

            with pytest.raises(PhoneHungUp, match="1920 of 4800 bytes"):
                await call.caller.say(SPEECH)
        with pytest.raises(PhoneHungUp):
            await call.caller.say(SPEECH)
        with pytest.raises(PhoneHungUp):
            call.callee.say_nowait(SPEECH)
        assert call.agent_heard == SPEECH[: 2 * FRAME]


async def test_half_a_sample_cannot_be_said(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, _):
        call = simulator.place_call()
        with pytest.raises(ValueError, match="3 bytes"):
            await call.caller.say(b"123")
        with pytest.raises(ValueError, match="3 bytes"):
            call.caller.say_nowait(b"123")


async def test_samples_can_be_said(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        await call.caller.say(np.frombuffer(SPEECH, np.int16))
        assert SPEECH in call.caller.said
        with pytest.raises(TypeError, match="16-bit"):
            call.caller.say_nowait(np.zeros(960, np.float32))


async def test_what_a_telephone_does_in_a_call(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(caller="+1", callee="+2", pickup=answers(after_seconds=1))
        assert (call.caller.number, call.callee.number) == ("+1", "+2")
        seen = [(call.caller.state, call.callee.state)]
        media = await sdk.take_call(call)
        connecting = media.start("call.connect", 60)
        await trio.sleep(0.5)
        seen.append((call.caller.state, call.callee.state))
        await media.response(connecting)
        seen.append((call.caller.state, call.callee.state))
        assert repr(call.caller) == "<Phone +1 TALKING>"
        call.callee.hang_up()
        seen.append((call.caller.state, call.callee.state))
        assert seen == [
            (PhoneState.CALLING, PhoneState.IDLE),
            (PhoneState.CALLING, PhoneState.RINGING),
            (PhoneState.TALKING, PhoneState.TALKING),
            (PhoneState.HUNG_UP, PhoneState.HUNG_UP),
        ]


async def test_waiting_for_a_telephone(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call = simulator.place_call(pickup=answers(after_seconds=1))
        times = {}
        async with trio.open_nursery() as nursery:

            async def note(name: str) -> None:
                party, _, what = name.partition(" ")
                await getattr(getattr(call, party), what)()
                times[name] = trio.current_time()

            for party in ("caller", "callee"):
                for what in ("wait_talking", "wait_hung_up"):
                    nursery.start_soon(note, f"{party} {what}")
            media = await sdk.take_call(call)
            await media.succeed("call.answer")
            await media.succeed("call.connect", 60)
            await trio.sleep(1)
            call.callee.hang_up()
        assert times == pytest.approx(
            {
                "caller wait_talking": 0,
                "callee wait_talking": 1,
                "caller wait_hung_up": 2,
                "callee wait_hung_up": 2,
            }
        )


async def test_a_telephone_that_was_connected_has_talked(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, sdk):
        call, _ = await answered_call(simulator, sdk)
        call.caller.hang_up()
        await call.caller.wait_talking()
        with pytest.raises(PhoneHungUp):
            await call.callee.wait_talking()


async def test_waiting_for_what_cannot_happen_any_more(autojump_clock: MockClock) -> None:
    async with open_pair() as (simulator, _):
        call = simulator.place_call(pickup=never_answers())
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def give_up() -> None:
                await trio.sleep(1)
                call.caller.hang_up()

            with pytest.raises(PhoneHungUp):
                await call.wait_claimed()
        with pytest.raises(PhoneHungUp):
            await call.caller.wait_talking()
        await call.wait_agent_left()
        await call.wait_ended()
