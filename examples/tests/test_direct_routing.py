"""Connect without answering."""

from examples import direct_routing
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, answers, never_answers
from trio_calls.testing import WavLoader, heard, hears, run_agent


async def test_the_two_talk_and_the_agent_listens(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(direct_routing.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=10))
        await call.callee.wait_talking()
        await call.callee.say(wav("callee_hello.wav"))
        await hears(call.caller, wav("callee_hello.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.callee, wav("caller_request.wav"), within_seconds=5)
        call.callee.hang_up()
        await call.wait_ended()
    heard(call.agent_heard, wav("caller_request.wav"))
    assert call.agent_states == [CallState.PENDING, CallState.CONNECTED, CallState.DISCONNECTED]


async def test_an_apology_when_nobody_picks_up(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(direct_routing.handle_call, simulator):
        call = simulator.place_call(pickup=never_answers())
        await hears(call.caller, wav("not_available.wav"), within_seconds=30)
        await call.wait_ended()
    assert call.callee.state is PhoneState.HUNG_UP
    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
