"""Whatever an SDK of the second wire sends: nobody else notices, and what is wrong is said."""

from __future__ import annotations

import re
from typing import Final

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from fuzz import audio_frames
from fuzz.examples import SECOND_MESSAGES, WORDS
from tests.support.damage import damaged
from tests.support.peers.second_sdk import SecondSdkEnd, open_second_sdk
from tests.support.phone_calls import A, P, speech
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.wire.codec import encode
from trio_calls.wire.second.control import TriggerConditionsSetup

pytestmark = [pytest.mark.pure, pytest.mark.slow]

FRAMES: Final = [encode(message).encode() for message in SECOND_MESSAGES]

Frame = str | bytes

text: st.SearchStrategy[Frame] = st.builds(
    lambda data: data.decode(errors="replace"), damaged(FRAMES, WORDS) | st.sampled_from(FRAMES)
)
audio: st.SearchStrategy[Frame] = damaged(audio_frames.seeds(), audio_frames.words())
frames = st.lists(st.one_of(text, text, audio), min_size=1, max_size=20)

#: Every fault that there is: no word in it comes from a frame.
FAULT: Final = re.compile(
    r"a malformed frame: [\w$.:;, ]+|unusable audio: [\w ,]+|a binary message|a second setup"
    r"|[a-z_.]+ is for the exchange to send"
)

SPEECH: Final = speech(1)

#: In virtual time.
PATIENCE_SECONDS: Final = 60


async def harass(
    simulator: Simulator, control_frames: list[Frame], media_frames: list[Frame]
) -> None:
    """Send these on both connections, from an SDK that then is gone."""
    async with open_second_sdk(simulator.config) as sdk:
        control = await sdk.open_second_control()
        media = await sdk.open_second_media(await control.take_call(simulator.place_call()))
        for frame in media_frames:
            media.send_raw(frame)
        for frame in control_frames:
            await control.websocket.send(frame)
        await trio.sleep(1)


async def check_well(simulator: Simulator, sdk: SecondSdkEnd) -> None:
    """Another SDK has a call, in which everybody is heard."""
    control = await sdk.open_second_control()
    # The one that has gone may have asked for something else.
    await control.ask(TriggerConditionsSetup("r", "ALL", False, False, False))
    call = simulator.place_call()
    media = await sdk.open_second_media(await control.take_call(call))
    await media.succeed("call.answer")
    media.say(SPEECH)
    await call.caller.say(SPEECH)
    await trio.sleep(0.2)
    assert call.agent_states == [P, A]
    assert SPEECH in call.caller.heard
    assert SPEECH in media.heard()


async def run(control_frames: list[Frame], media_frames: list[Frame]) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        await run_for(control_frames, media_frames)


async def run_for(control_frames: list[Frame], media_frames: list[Frame]) -> None:
    async with open_simulator() as simulator:
        await harass(simulator, control_frames, media_frames)
        for violation in simulator.violations:
            assert FAULT.fullmatch(violation.fault), "no such fault is documented"
        simulator.end_all_calls()
        before = len(simulator.violations)
        async with open_second_sdk(simulator.config) as sdk:
            await check_well(simulator, sdk)
        assert len(simulator.violations) == before


@settings(max_examples=60)
@given(frames, frames)
def test_an_sdk_that_is_damaged_harms_nobody_else(
    control_frames: list[Frame], media_frames: list[Frame]
) -> None:
    trio.run(run, control_frames, media_frames, clock=MockClock(autojump_threshold=0))
