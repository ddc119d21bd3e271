"""Faults by name: what an agent does when the exchange does not do its part."""

from examples import front_desk
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, after, answers, cut_media, refuse
from trio_calls.testing import WavLoader, hears, run_agent


async def test_a_refused_connect_ends_in_an_apology(simulator: Simulator, wav: WavLoader) -> None:
    simulator.inject(refuse("call.connect", error_code="NO_ROUTE"))
    async with run_agent(front_desk.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("not_available.wav"), within_seconds=10)
        await call.wait_ended()
    assert "NO_ROUTE" in str(call.transcript)


async def test_a_lost_connection_is_the_end_of_that_call_only(
    simulator: Simulator, wav: WavLoader
) -> None:
    async with run_agent(front_desk.handle_call, simulator):
        call, other = simulator.place_call(), simulator.place_call()
        simulator.inject(cut_media(), call=call, when=after(seconds=1))
        await call.wait_ended()
        assert call.caller.state is PhoneState.HUNG_UP
        await hears(other.caller, wav("greeting.wav"), within_seconds=5)
        other.caller.hang_up()
        await other.wait_ended()
    assert call.agent_states[-1] is CallState.DISCONNECTED
