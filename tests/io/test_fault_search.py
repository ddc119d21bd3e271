"""Each of the five flows, cut at each of its frames: both sides come to an end, others go on."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.io.conftest import tasks_of_ours
from tests.phone_calls import A, D, P, speech
from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import read_wav, write_wav
from trio_calls.demo import STORIES, Story
from trio_calls.demo.examples import examples_folder, load_handler
from trio_calls.simulator import (
    Fault,
    PhoneHungUp,
    PhoneState,
    SimulatedCall,
    Simulator,
    Transcript,
    at_frame,
    cut_control,
    cut_media,
    open_simulator,
)

BYSTANDER = "+65 6222 9999"
AUDIO_FRAMES = 4
PATIENCE_SECONDS = 6
SPEECH_SECONDS = 0.4


class Agents:
    """The story's handler, and an echo for the bystander's call."""

    def __init__(self, story: Story, speech_folder: Path) -> None:
        self.calls: list[ActiveCall] = []
        self._handler = load_handler(story.name)
        self._handler.__globals__["SPEECH"] = speech_folder

    async def route(self, call: ActiveCall) -> None:
        self.calls.append(call)
        if call.callee_number != BYSTANDER:
            await self._handler(call)
            return
        await call.answer()
        async for chunk in call.audio_stream():
            await call.send_audio(chunk)


async def tell(call: SimulatedCall, story: Story) -> None:
    """Let the phones do their part for as long as there is a call, then hang up."""
    with trio.move_on_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def stop_with_the_call() -> None:
                await call.wait_ended()
                nursery.cancel_scope.cancel()

            with suppress(PhoneHungUp):
                await story.act(call)
            nursery.cancel_scope.cancel()
    call.caller.hang_up()
    await call.wait_ended()


async def check_bystander(call: SimulatedCall) -> None:
    assert call.agent_states == [P, A]
    assert call.caller.state is PhoneState.TALKING
    await call.caller.say(speech(9, seconds=0.2))
    await trio.sleep(0.5)
    assert speech(9, seconds=0.2) in call.caller.heard
    call.caller.hang_up()
    await call.wait_ended()
    assert call.agent_states == [P, A, D]


async def play(
    simulator: Simulator, agents: Agents, story: Story, fault: Fault | None, frame: int
) -> Transcript:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, agents.route, simulator.config)
        bystander = simulator.place_call(callee=BYSTANDER)
        await bystander.caller.wait_talking()
        call = simulator.place_call(callee=story.callee_number, pickup=story.pickup)
        if fault is not None:
            simulator.inject(fault, call=call, when=at_frame(frame))
        await tell(call, story)
        await check_bystander(bystander)
        for agent_call in agents.calls:
            await agent_call.wait_disconnected()
        nursery.cancel_scope.cancel()
    assert call.agent_states[-1] is D
    assert {call.caller.state, call.callee.state} <= {PhoneState.HUNG_UP}
    assert {agent_call.state for agent_call in agents.calls} == {D}
    assert simulator.violations == []
    return call.transcript


async def play_in_time(agents: Agents, story: Story, fault: Fault | None, frame: int) -> Transcript:
    with trio.fail_after(5 * PATIENCE_SECONDS):
        async with open_simulator() as simulator:
            transcript = await play(simulator, agents, story, fault, frame)
    await trio.testing.wait_all_tasks_blocked()
    assert tasks_of_ours() == []
    return transcript


def frames_to_cut(transcript: Transcript) -> list[int]:
    """Every frame but the audio, of which there are too many: some of it."""
    talk = {entry.first_frame for entry in transcript if entry.frames and not entry.is_audio}
    last = max(entry.first_frame + entry.frames - 1 for entry in transcript)
    audio = sorted(set(range(1, last + 1)) - talk)
    return sorted(talk | set(random.Random(5).sample(audio, AUDIO_FRAMES)))


def run(
    story: Story, speech_folder: Path, fault: Fault | None = None, frame: int = 0
) -> Transcript:
    """Each run begins at the same virtual time, so that each has the same frames."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    agents = Agents(story, speech_folder)
    return trio.run(play_in_time, agents, story, fault, frame, clock=clock)


@pytest.fixture
def speech_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The examples' sentences, cut short, and the phones say and await these."""
    for number, original in enumerate(sorted((examples_folder() / "speech").glob("*.wav"))):
        write_wav(tmp_path / original.name, speech(number, SPEECH_SECONDS), 24000)

    def load_short_speech(name: str) -> bytes:
        return read_wav(tmp_path / f"{name}.wav", 24000)

    monkeypatch.setattr("trio_calls.demo.stories.load_speech", load_short_speech)
    return tmp_path


@pytest.mark.parametrize("cut", [cut_media, cut_control])
@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_cut_at_any_frame_harms_nobody_else(
    story: Story, cut: Callable[[], Fault], speech_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    untouched = run(story, speech_folder)
    frames = frames_to_cut(untouched)
    assert len(frames) > AUDIO_FRAMES
    for frame in frames:
        try:
            transcript = run(story, speech_folder, cut(), frame)
        except Exception as error:
            error.add_note(f"{cut.__name__} at frame {frame} of\n{untouched}")
            raise
        assert f"fault: {cut.__name__}" in str(transcript), frame
    assert "Traceback" not in caplog.text
