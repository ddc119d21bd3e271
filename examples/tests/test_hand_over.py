"""Take calls in one process, and answer them in another."""

import pytest
import trio
import trio.testing

from examples import hand_over
from trio_calls import CallState
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, heard


async def test_the_worker_says_goodbye(simulator: Simulator, wav: WavLoader) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hand_over.main, simulator.config)
        calls = [simulator.place_call() for _ in range(3)]
        for call in calls:
            await call.wait_ended()
            heard(call.caller, wav("goodbye.wav"), min_correlation=0.99)
            assert call.agent_states == [
                CallState.PENDING,
                CallState.ANSWERED,
                CallState.DISCONNECTED,
            ]
        nursery.cancel_scope.cancel()


async def test_it_says_what_became_of_it(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    await hand_over.simulate()
    assert capsys.readouterr().out == "the caller has heard the worker\n"
