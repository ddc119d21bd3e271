"""Answer, connect and whisper."""

from examples import assistant_whisper
from trio_calls import AgentMode, CallState
from trio_calls.simulator import Simulator, answers
from trio_calls.testing import WavLoader, hears, hears_nothing, never_heard, run_agent


async def test_only_the_callee_is_coached(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(assistant_whisper.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await hears(call.caller, wav("please_hold.wav"), within_seconds=5)
        await call.callee.wait_talking()
        await hears(call.callee, wav("guidance.wav"), within_seconds=5)
        await hears_nothing(call.caller, for_seconds=1)
        assert call.agent_mode is AgentMode.SPY

        await call.callee.say(wav("callee_hello.wav"))
        await hears(call.caller, wav("callee_hello.wav"), within_seconds=5)
        call.caller.hang_up()
        await call.wait_ended()
    never_heard(call.caller, wav("guidance.wav"))
    assert CallState.CONNECTED in call.agent_states
