"""End the call for everyone."""

from examples import goodbye
from trio_calls import CallState
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, heard, run_agent


async def test_the_goodbye_is_heard_to_its_end(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(goodbye.handle_call, simulator):
        call = simulator.place_call()
        await call.wait_ended()
    heard(call.caller, wav("goodbye.wav"), min_correlation=0.99)
    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
