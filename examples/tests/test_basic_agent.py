"""Answer and talk."""

from examples import basic_agent
from trio_calls import CallState
from trio_calls.simulator import Simulator
from trio_calls.testing import WavLoader, hears, run_agent


async def test_a_caller_is_greeted_and_echoed(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(basic_agent.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("caller_request.wav"), within_seconds=5)
        call.caller.hang_up()
        await call.wait_ended()
    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
