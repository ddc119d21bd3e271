"""Answer, gather, connect and leave."""

from examples import front_desk
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, answers, declines, never_answers
from trio_calls.testing import WavLoader, hears, never_heard, run_agent


async def test_a_caller_is_put_through(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(front_desk.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("please_hold.wav"), within_seconds=5)

        await call.wait_agent_left()
        await call.callee.say(wav("callee_hello.wav"))
        await hears(call.caller, wav("callee_hello.wav"), within_seconds=5)
        await call.caller.say(wav("caller_thanks.wav"))
        await hears(call.callee, wav("caller_thanks.wav"), within_seconds=5)
        assert call.caller.state is PhoneState.TALKING
    never_heard(call.callee, wav("please_hold.wav"))
    assert call.agent_states == [
        CallState.PENDING,
        CallState.ANSWERED,
        CallState.CONNECTED,
        CallState.DISCONNECTED,
    ]


async def test_nobody_picks_up(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(front_desk.handle_call, simulator):
        call = simulator.place_call(pickup=never_answers())
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("please_hold.wav"), within_seconds=5)
        await hears(call.caller, wav("not_available.wav"), within_seconds=35)
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states


async def test_the_callee_declines(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(front_desk.handle_call, simulator):
        call = simulator.place_call(pickup=declines(after_seconds=3))
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("not_available.wav"), within_seconds=10)
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states


async def test_a_caller_who_gives_up(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(front_desk.handle_call, simulator):
        call = simulator.place_call(pickup=never_answers())
        await hears(call.caller, wav("greeting.wav"), within_seconds=5)
        await call.caller.say(wav("caller_request.wav"))
        await hears(call.caller, wav("please_hold.wav"), within_seconds=5)
        call.caller.hang_up()
        await call.wait_ended()
    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
