"""The test that the tutorial shows."""

import pytest
import trio
import trio.testing

from trio_calls import ActiveCall, CallState, WSSCallCommandError, serve_calls
from trio_calls.audio import find, noise
from trio_calls.simulator import never_answers, open_simulator

pytestmark = [pytest.mark.pure, pytest.mark.slow]

SORRY = noise(seconds=1, sample_rate=24000, seed=1)  # easier to find than speech


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    try:
        await call.connect(ring_time_seconds=20)
    except WSSCallCommandError:
        await call.send_audio(SORRY)
        await call.disconnect()


async def test_says_sorry(autojump_clock: trio.testing.MockClock) -> None:
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handle_call, simulator.config)
        call = simulator.place_call(pickup=never_answers())
        await call.wait_ended()
        nursery.cancel_scope.cancel()

    assert CallState.CONNECTED not in call.agent_states
    assert find(SORRY, call.caller.heard).correlation > 0.99
