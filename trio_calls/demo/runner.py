"""Runs stories over real sockets, all at once, and judges them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from trio_calls import events
from trio_calls.audio import write_wav
from trio_calls.call.active_call import ActiveCall
from trio_calls.client.client import open_call_client
from trio_calls.demo.examples import SAMPLE_RATE, load_handler
from trio_calls.demo.report import Outcome, Progress, print_outcome
from trio_calls.demo.stories import Story
from trio_calls.simulator import PhoneHungUp, PhoneState, Simulator, open_simulator
from trio_calls.state import CallState

CALLER_NUMBER: Final = "+65 9111 0000"
STORY_SECONDS: Final = 45.0


async def run_demo(stories: Sequence[Story], output: Path) -> bool:
    """Run stories against a simulator on a loopback port, and print what happened.

    Args:
      stories: each is a call of its own; they run at the same time.
      output: an existing folder for WAV files of what the phones heard.

    Returns:
      Whether every story did what it promises.
    """
    async with open_simulator(port=0, sample_rate=SAMPLE_RATE) as simulator:
        print(f"An exchange on {simulator.config.base_url}, {len(stories)} calls, real sockets:")
        outcomes = await play_stories(stories, simulator)
    for outcome in outcomes:
        _save_recordings(outcome, output)
        print_outcome(outcome)
    print(f"\nWhat caller and callee heard is in {output}/")
    return all(outcome.is_kept for outcome in outcomes)


async def play_stories(stories: Sequence[Story], simulator: Simulator) -> list[Outcome]:
    """Run stories against a simulator, all at once, with one client for all their agents."""
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
                players.start_soon(_play, story, simulator, outcomes, progress)
        nursery.cancel_scope.cancel()
    return [outcomes[story.name] for story in stories]


async def _play(
    story: Story, simulator: Simulator, outcomes: dict[str, Outcome], progress: Progress
) -> None:
    call = simulator.place_call(
        caller=CALLER_NUMBER, callee=story.callee_number, pickup=story.pickup
    )
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
    outcomes[story.name] = Outcome(story, call, states, goes_on_without_agent, fault)
    progress.finish(story.name)


def _save_recordings(outcome: Outcome, output: Path) -> None:
    for listener, phone in (("caller", outcome.call.caller), ("callee", outcome.call.callee)):
        if phone.heard:
            path = output / f"{outcome.story.name}-{listener}.wav"
            write_wav(path, phone.heard, SAMPLE_RATE)
