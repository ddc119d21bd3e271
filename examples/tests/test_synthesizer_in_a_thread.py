"""A synthesizer that speaks from a thread."""

from collections.abc import Iterator

import pytest
import trio

from examples.recipes import synthesizer_in_a_thread
from trio_calls import CallState
from trio_calls.audio import silence
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, heard, run_agent


async def test_all_that_it_says_is_heard(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(synthesizer_in_a_thread.handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    heard(call.caller, wav("greeting.wav"))
    assert call.agent_states[-1] is CallState.DISCONNECTED


async def test_a_hangup_ends_the_thread(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    def synthesize_for_ever(text: str) -> Iterator[bytes]:
        try:
            trio.from_thread.run_sync(simulator.calls[0].caller.hang_up)
            while True:
                yield silence(0.1, 24_000)
        finally:
            ended.append(text)

    monkeypatch.setattr(synthesizer_in_a_thread, "synthesize", synthesize_for_ever)
    async with run_agent(synthesizer_in_a_thread.handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    assert ended == ["greeting"]
