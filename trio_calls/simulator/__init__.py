"""A simulator of the exchange: place calls, without a telephone account, and hear what happens.

::

    async with open_simulator() as simulator, open_call_client(simulator.config) as client:
        ...
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await call.caller.say(greeting)
        await call.wait_ended()
        write_wav("heard.wav", call.caller.heard, simulator.config.sample_rate)
"""

from trio_calls.simulator._open import Simulator, open_simulator
from trio_calls.simulator.leg import PhoneHungUp, PhoneState
from trio_calls.simulator.phone import Phone, Pickup, answers, declines, never_answers
from trio_calls.simulator.simulated_call import SimulatedCall
from trio_calls.simulator.violations import Violation

__all__ = [
    "Phone",
    "PhoneHungUp",
    "PhoneState",
    "Pickup",
    "SimulatedCall",
    "Simulator",
    "Violation",
    "answers",
    "declines",
    "never_answers",
    "open_simulator",
]
