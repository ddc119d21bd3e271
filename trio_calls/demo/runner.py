"""Runs stories over real sockets, all at once, and judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import trio

from trio_calls import events
from trio_calls.audio import write_wav
from trio_calls.call.active_call import ActiveCall
from trio_calls.client.client import open_call_client
from trio_calls.config import WireName
from trio_calls.demo.examples import SAMPLE_RATE, load_handler
from trio_calls.demo.report import Outcome, Progress, print_outcome
from trio_calls.demo.stories import Story
from trio_calls.simulator import (
    PhoneHungUp,
    PhoneState,
    SimulatedCall,
    Simulator,
    open_simulator,
)
from trio_calls.state import CallState

CALLER_NUMBER: Final = "+65 9111 0000"
STORY_SECONDS: Final = 45.0


async def run_demo(stories: Sequence[Story], output: Path, wire: WireName = "first") -> bool:
    """Run stories against a simulator on a loopback port, and print what happened.

    Args:
      stories: each is a call of its own; they run at the same time.
      output: an existing folder for WAV files of what the phones heard.
      wire: which generation of the exchange is spoken.

    Returns:
      Whether every story did what it promises, and all files could be written.

    Cancellation: the files have what was heard until then.
    """
    recordings = _Recordings(output)
    async with open_simulator(port=0, sample_rate=SAMPLE_RATE, wire=wire) as simulator:
        calls = "1 call" if len(stories) == 1 else f"{len(stories)} calls"
        url = simulator.config.base_url
        print(f"An exchange on {url}, {calls}, real sockets, the {wire} wire:")
        outcomes = await play_stories(stories, simulator, recordings.save)
    for outcome in outcomes:
        print_outcome(outcome)
    print(f"\nWhat caller and callee heard is in {output}/")
    for fault in recordings.faults:
        print(f"✗ {fault}")
    return all(outcome.is_kept for outcome in outcomes) and not recordings.faults


async def play_stories(
    stories: Sequence[Story],
    simulator: Simulator,
    on_end: Callable[[Story, SimulatedCall], object] = lambda story, call: None,
) -> list[Outcome]:
    """Run stories against a simulator, all at once, with one client for all their agents.

    Args:
      stories: the stories.
      simulator: the simulator.
      on_end: called with each story and its call at their end, when they are cancelled as well.
    """
    handlers = {story.callee_number: load_handler(story.name) for story in stories}

    async def route(call: ActiveCall) -> None:
        await handlers[str(call.callee_number)](call)

    outcomes: dict[str, Outcome] = {}
    async with open_call_client(simulator.config) as client, trio.open_nursery() as nursery:
        client.on(events.INCOMING_CALL)(route)
        progress = Progress([story.name for story in stories])
        nursery.start_soon(progress.run)
        async with trio.open_nursery() as players:
            for story in stories:
                players.start_soon(_play, story, simulator, outcomes, progress, on_end)
        nursery.cancel_scope.cancel()
    return [outcomes[story.name] for story in stories]


async def _play(
    story: Story,
    simulator: Simulator,
    outcomes: dict[str, Outcome],
    progress: Progress,
    on_end: Callable[[Story, SimulatedCall], object],
) -> None:
    call = simulator.place_call(
        caller=CALLER_NUMBER, callee=story.callee_number, pickup=story.pickup
    )
    try:
        outcomes[story.name] = await _act(story, call)
    finally:
        on_end(story, call)
    progress.finish(story.name)


async def _act(story: Story, call: SimulatedCall) -> Outcome:
    fault = None
    with trio.move_on_after(STORY_SECONDS) as patience:
        try:
            await story.act(call)
        except PhoneHungUp as error:
            fault = str(error)
    if patience.cancelled_caught:
        fault = f"it was not over after {STORY_SECONDS:g} s"
    states = call.agent_states
    talks = PhoneState.TALKING is call.caller.state is call.callee.state
    goes_on_without_agent = talks and states[-1] is CallState.DISCONNECTED
    call.caller.hang_up()
    await call.wait_ended()
    if story.states[-1] is CallState.DISCONNECTED:
        states = call.agent_states
    return Outcome(story, call, states, goes_on_without_agent, fault)


class _Recordings:
    """Writes what the phones of stories heard into a folder.

    Args:
      folder: the folder, which exists.

    Attributes:
      faults: the sentences that say what could not be written.
    """

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self._folder = folder

    def save(self, story: Story, call: SimulatedCall) -> None:
        """Write what was heard in a call, in place of an earlier run's."""
        for listener, phone in (("caller", call.caller), ("callee", call.callee)):
            path = self._folder / f"{story.name}-{listener}.wav"
            try:
                if phone.heard:
                    write_wav(path, phone.heard, SAMPLE_RATE)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                self.faults.append(f"cannot write {path}: {error.strerror or error}")
