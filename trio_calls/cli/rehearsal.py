"""One call into an agent, inside this process: what ``trio-calls run --simulate`` does."""

from __future__ import annotations

from typing import Final

import trio

from trio_calls import events
from trio_calls.audio import duration_seconds, level_dbfs
from trio_calls.call.scope import CallHandler
from trio_calls.client.client import open_call_client
from trio_calls.demo.examples import SAMPLE_RATE, load_speech
from trio_calls.demo.report import arrows
from trio_calls.demo.stories import Listener
from trio_calls.simulator import PhoneHungUp, SimulatedCall, answers, open_simulator
from trio_calls.state import CallState

_PICKUP_SECONDS: Final = 1.0
_RING_SECONDS: Final = 30.0
_TALK_SECONDS: Final = 15.0
_GREETING_SECONDS: Final = 5.0


async def rehearse(handler: CallHandler) -> bool:
    """Place one virtual call to a handler, and print what happens.

    Returns:
      Whether the call was answered, or connected to the callee.
    """
    async with open_simulator(port=0, sample_rate=SAMPLE_RATE) as simulator:
        _print(f"a simulated exchange is on {simulator.config.base_url}")
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(handler)
            call = simulator.place_call(pickup=answers(after_seconds=_PICKUP_SECONDS))
            _print(f"{call.caller.number} calls {call.callee.number}")
            async with trio.open_nursery() as people:
                people.start_soon(_be_caller, call)
                people.start_soon(_be_callee, call)
                await call.wait_agent_left()
                _print("the call is over" if call.ended else "the agent has left the call")
                await call.wait_ended()
                people.cancel_scope.cancel()
    return _judge(call)


async def _be_caller(call: SimulatedCall) -> None:
    with trio.move_on_after(_RING_SECONDS) as ringing:
        try:
            await call.caller.wait_talking()
            ringing.deadline = trio.current_time() + _TALK_SECONDS
            _print("the caller hears somebody: the agent, or the callee")
            with trio.move_on_after(_GREETING_SECONDS):
                await Listener(call.caller).wait_sentence()
            await call.caller.say(load_speech("caller_request"))
            _print('the caller has said: "Hi, my name is Ada. I would like to talk to sales."')
        except PhoneHungUp:
            return
        await trio.sleep_forever()
    _print("the caller hangs up")
    call.caller.hang_up()


async def _be_callee(call: SimulatedCall) -> None:
    try:
        await call.callee.wait_talking()
        _print("the callee has picked up")
        await call.callee.say(load_speech("callee_hello"))
        _print('the callee has said: "Sales, good morning. How can I help?"')
    except PhoneHungUp:
        return


def _judge(call: SimulatedCall) -> bool:
    states = call.agent_states
    mark = "✓" if len(states) > 1 and states[1] is not CallState.DISCONNECTED else "✗"
    _print(f"{mark} " + arrows(states))
    for phone, name in ((call.caller, "caller"), (call.callee, "callee")):
        seconds = duration_seconds(len(phone.heard), SAMPLE_RATE)
        if seconds:
            level = level_dbfs(phone.heard)
            _print(f"  the {name} was connected for {seconds:.1f} s, and heard {level:.0f} dBFS")
    return mark == "✓"


def _print(line: str) -> None:
    print(line, flush=True)
