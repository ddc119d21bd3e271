"""A simulator of the exchange: place calls and messages without an account, and see what happens.

::

    async with open_simulator() as simulator, open_call_client(simulator.config) as client:
        ...
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await call.caller.say(greeting)
        await call.wait_ended()
        write_wav("heard.wav", call.caller.heard, simulator.config.sample_rate)

        partner = simulator.place_message(content="Are you open today?")
        reply = await partner.wait_reply()

All that is public is imported from here. The packages below, and the files with an underscore, are
private. What an SDK is made of does not live here: this is the other side of the wire.
"""

from trio_calls._public_names import claim_names
from trio_calls.simulator._open import Simulator, open_simulator
from trio_calls.simulator._partner import Partner, PartnerGone, PartnerMessage
from trio_calls.simulator._simulated_call import Levels, SimulatedCall
from trio_calls.simulator.exchange.violations import Violation
from trio_calls.simulator.faults.faults import (
    answer_late,
    answer_twice,
    cut_control,
    cut_media,
    duplicate_offer,
    jitter,
    never_answer,
    refuse,
    restart,
    send_malformed,
    stall,
)
from trio_calls.simulator.faults.injection import Fault
from trio_calls.simulator.faults.triggers import Moment, after, at_frame, at_random
from trio_calls.simulator.phones.leg import PhoneHungUp, PhoneState
from trio_calls.simulator.phones.phone import Phone, Pickup, answers, declines, never_answers
from trio_calls.simulator.transcript.transcript import Direction, Entry, Transcript

__all__ = [
    "Direction",
    "Entry",
    "Fault",
    "Levels",
    "Moment",
    "Partner",
    "PartnerGone",
    "PartnerMessage",
    "Phone",
    "PhoneHungUp",
    "PhoneState",
    "Pickup",
    "SimulatedCall",
    "Simulator",
    "Transcript",
    "Violation",
    "after",
    "answer_late",
    "answer_twice",
    "answers",
    "at_frame",
    "at_random",
    "cut_control",
    "cut_media",
    "declines",
    "duplicate_offer",
    "jitter",
    "never_answer",
    "never_answers",
    "open_simulator",
    "refuse",
    "restart",
    "send_malformed",
    "stall",
]

claim_names(__name__, globals(), __all__)
