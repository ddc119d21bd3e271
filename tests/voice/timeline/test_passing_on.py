"""Whoever watches a call is told of turns and interruptions, as only its voice knows of them."""

from __future__ import annotations

import attrs
import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.voice_agents import Scene, answered, loudness
from trio_calls import AgentMode, CallState, Ending
from trio_calls.call.active_call import observers_of
from trio_calls.call.observers import TurnTaken
from trio_calls.simulator import Simulator
from trio_calls.state import Command


@attrs.define(eq=False)
class Observer:
    """Writes down when what was told."""

    turns: list[TurnTaken] = attrs.field(factory=list)
    interrupted_at: list[float] = attrs.field(factory=list)

    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        pass

    def mode_changed(self, mode: AgentMode) -> None:
        pass

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        pass

    def turn_taken(self, turn: TurnTaken) -> None:
        self.turns.append(turn)

    def interrupted(self) -> None:
        self.interrupted_at.append(trio.current_time())


async def answer_and_be_interrupted(scene: Scene) -> float:
    """Answer the caller, who talks over it. Returns when they had ceased to speak before."""
    utterances = scene.voice.utterances()
    await scene.simulated.caller.say(speech(2, 1.0))
    silent_at = trio.current_time()
    await anext(utterances)
    await trio.sleep(0.3)
    with scene.voice.until_interrupted():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scene.voice.say, speech(1, 5.0))
            await trio.sleep(2)
            await scene.simulated.caller.say(speech(3, 1.0))
    return silent_at


async def test_turns_and_interruptions_are_told(simulator: Simulator) -> None:
    observer = Observer()
    async with answered(simulator, detector=loudness) as scene:
        observers_of(scene.call).add(observer)
        silent_at = await answer_and_be_interrupted(scene)
        (turn,) = observer.turns
        assert turn.silent_at == pytest.approx(silent_at, abs=0.05)
        assert turn.heard_at - turn.silent_at == pytest.approx(0.7 + 0.3, abs=0.1)
        parts = attrs.astuple(turn)[2:]
        assert sum(parts) == pytest.approx(turn.heard_at - turn.silent_at, abs=0.002)
        assert observer.interrupted_at == [pytest.approx(turn.heard_at + 2.5, abs=0.1)]


async def test_a_voice_that_is_closed_holds_on_to_no_call(simulator: Simulator) -> None:
    async with answered(simulator) as scene:
        assert scene.voice._timeline._watchers
    assert scene.voice._timeline._watchers == []
