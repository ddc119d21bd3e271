"""Each of the five flows, with whatever can go wrong: both sides end in good order, others go on.

Connections are cut at every frame. All other faults strike at moments, and in ways, that a seed
picks; by default one for each flow and fault. ``TRIO_CALLS_SEARCH_SEEDS=200`` in the environment
searches for longer, and ``TRIO_CALLS_SEARCH_SEEDS=17:18`` repeats the search of one seed.
"""

from __future__ import annotations

import functools
import logging
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.support.in_memory import tasks_of_ours
from tests.support.phone_calls import A, D, P, speech
from trio_calls import ActiveCall, serve_calls
from trio_calls.audio import read_wav, write_wav
from trio_calls.config import WireName
from trio_calls.demo import STORIES, Story
from trio_calls.demo.examples import examples_folder, load_handler
from trio_calls.errors import WSSCallError
from trio_calls.simulator import (
    Fault,
    PhoneHungUp,
    PhoneState,
    SimulatedCall,
    Simulator,
    Transcript,
    answer_late,
    answer_twice,
    at_frame,
    cut_control,
    cut_media,
    duplicate_offer,
    jitter,
    never_answer,
    open_simulator,
    refuse,
    restart,
    send_malformed,
    stall,
)
from trio_calls.simulator.transcript.transcript import ConnectionKind

pytestmark = pytest.mark.slow

BYSTANDER = "+65 6222 9999"
AUDIO_FRAMES = 4
CONNECTIONS: tuple[ConnectionKind, ...] = ("control", "media")
FAULTS = (
    "restart",
    "answer_late",
    "never_answer",
    "answer_twice",
    "refuse",
    "send_malformed",
    "stall",
    "jitter",
    "duplicate_offer",
)
PATIENCE_SECONDS = 6
SPEECH_SECONDS = 0.4

_FIRST_SEED, _, _END_OF_SEEDS = os.environ.get("TRIO_CALLS_SEARCH_SEEDS", "1").rpartition(":")
SEEDS = range(int(_FIRST_SEED or 0), int(_END_OF_SEEDS))


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


async def check_hung_up(bystander: SimulatedCall) -> None:
    """A restart leaves nobody who talks with an agent alone."""
    await bystander.wait_ended()
    assert bystander.agent_states == [P, A, D]


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
        if str(fault).startswith("restart"):
            await check_hung_up(bystander)
        else:
            await check_bystander(bystander)
        for agent_call in agents.calls:
            await agent_call.wait_disconnected()
        nursery.cancel_scope.cancel()
    assert call.agent_states[-1] is D
    assert {call.caller.state, call.callee.state} <= {PhoneState.HUNG_UP}
    assert {agent_call.state for agent_call in agents.calls} == {D}
    assert simulator.violations == []
    return call.transcript


def frames_to_cut(transcript: Transcript) -> list[int]:
    """Every frame but the audio, of which there are too many: some of it."""
    talk = {entry.first_frame for entry in transcript if entry.frames and not entry.is_audio}
    last = max(entry.first_frame + entry.frames - 1 for entry in transcript)
    audio = sorted(set(range(1, last + 1)) - talk)
    return sorted(talk | set(random.Random(5).sample(audio, AUDIO_FRAMES)))


@attrs.frozen
class Runs:
    """Runs a flow on a wire. Each run begins at the same virtual time, so has the same frames."""

    wire: WireName
    story: Story
    speech_folder: Path

    def run(self, fault: Fault | None = None, frame: int = 0, seed: int = 0) -> Transcript:
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(self._run_in_time, fault, frame, seed, clock=clock)

    async def _run_in_time(self, fault: Fault | None, frame: int, seed: int) -> Transcript:
        agents = Agents(self.story, self.speech_folder)
        with trio.fail_after(5 * PATIENCE_SECONDS):
            async with open_simulator(seed=seed, wire=self.wire) as simulator:
                transcript = await play(simulator, agents, self.story, fault, frame)
        await trio.testing.wait_all_tasks_blocked()
        assert tasks_of_ours() == []
        return transcript


@pytest.fixture(scope="module")
def speech_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The examples' sentences, cut short, and the phones say and await these."""
    folder = tmp_path_factory.mktemp("speech")
    for number, original in enumerate(sorted((examples_folder() / "speech").glob("*.wav"))):
        write_wav(folder / original.name, speech(number, SPEECH_SECONDS), 24000)

    def load_short_speech(name: str) -> bytes:
        return read_wav(folder / f"{name}.wav", 24000)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("trio_calls.demo.stories.load_speech", load_short_speech)
        yield folder


@pytest.fixture(params=STORIES, ids=[story.name for story in STORIES])
def runs(request: pytest.FixtureRequest, wire: WireName, speech_folder: Path) -> Runs:
    return Runs(wire, request.param, speech_folder)


@pytest.fixture
def untouched(runs: Runs) -> Transcript:
    """The flow as it goes when nothing goes wrong."""
    return _untouched(runs)


@functools.cache
def _untouched(runs: Runs) -> Transcript:
    return runs.run()


@pytest.mark.parametrize("cut", [cut_media, cut_control])
def test_a_cut_at_any_frame_harms_nobody_else(
    runs: Runs,
    untouched: Transcript,
    cut: Callable[[], Fault],
    caplog: pytest.LogCaptureFixture,
) -> None:
    frames = frames_to_cut(untouched)
    assert len(frames) > AUDIO_FRAMES
    for frame in frames:
        try:
            transcript = runs.run(cut(), frame)
        except Exception as error:
            error.add_note(f"{cut.__name__} at frame {frame} of\n{untouched}")
            raise
        assert f"fault: {cut.__name__}" in str(transcript), frame
    assert "Traceback" not in caplog.text


def pick_fault(name: str, transcript: Transcript, pick: random.Random) -> tuple[Fault, int]:
    """Pick how a fault strikes, and at which frame: one of a command, before any command."""
    commands = re.findall(r"((?:call|agent)\.\w+).* \(command", str(transcript))
    command = pick.choice(commands)
    seconds = pick.uniform(0, PATIENCE_SECONDS)
    connection = pick.choice(CONNECTIONS)
    error_code = pick.choice(["CALL_UNANSWERED", "TIMEOUT", "NO_LINE"])
    faults: dict[str, Fault] = {
        "restart": restart(seconds=seconds),
        "answer_late": answer_late(command, seconds=seconds),
        "never_answer": never_answer(command),
        "answer_twice": answer_twice(command),
        "refuse": refuse(command, error_code=error_code),
        "send_malformed": send_malformed(connection=connection),
        "stall": stall(seconds=seconds, connection=connection),
        "jitter": jitter(seconds=seconds / 10),
        "duplicate_offer": duplicate_offer(),
    }
    last = max(entry.first_frame + entry.frames - 1 for entry in transcript)
    return faults[name], 1 if command in str(faults[name]) else pick.randint(1, last)


def unexpected_errors(records: list[logging.LogRecord]) -> list[object]:
    """What was logged with a traceback, but for what a handler may well raise."""
    errors = [record.exc_info[1] for record in records if record.exc_info]
    return [error for error in errors if not isinstance(error, WSSCallError)]


@pytest.mark.timeout(60 * max(1, len(SEEDS)))
@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_harms_anybody_for_good(
    runs: Runs, untouched: Transcript, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in SEEDS:
        pick = random.Random(f"{seed} {runs.story.name} {name}")
        fault, frame = pick_fault(name, untouched, pick)
        try:
            transcript = runs.run(fault, frame, seed)
            assert unexpected_errors(caplog.records) == []
        except Exception as error:
            error.add_note(f"seed {seed}: {fault} at frame {frame} of\n{untouched}")
            raise
        assert f"fault: {fault}" in str(transcript), seed
