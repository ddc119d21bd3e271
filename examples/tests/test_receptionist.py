"""Answer, understand, put through."""

import trio

from examples import receptionist
from examples.receptionist import AGAIN, GREETING, NOBODY, ONE_MOMENT, WHAT
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, answers, declines
from trio_calls.testing import (
    Speech,
    WavLoader,
    hears,
    interrupted,
    never_heard,
    run_agent,
    talks_over,
)


def spoken(text: str) -> Speech:
    """What the receptionist says, as it is heard."""
    sentences = receptionist.synthesizer.sentences(text)
    pcm = b"".join(receptionist.synthesizer.pcm(sentence) for sentence in sentences)
    return Speech(pcm, text, 24_000)


async def test_a_caller_is_put_through(simulator: Simulator, wav: WavLoader) -> None:
    whisper = spoken("Ada is calling, about a repair.")
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=3))
        await hears(call.caller, spoken(GREETING), within_seconds=15)
        await call.caller.say(wav("ada_repair.wav"))
        await hears(call.caller, spoken(ONE_MOMENT), within_seconds=5)
        await hears(call.callee, whisper, within_seconds=10)

        await call.wait_agent_left()
        await call.callee.say(wav("bicycle_is_ready.wav"))
        await hears(call.caller, wav("bicycle_is_ready.wav"), within_seconds=5)
        await call.caller.say(wav("thank_you.wav"))
        await hears(call.callee, wav("thank_you.wav"), within_seconds=5)
        assert call.caller.state is PhoneState.TALKING
    never_heard(call.caller, whisper)
    never_heard(call.caller, spoken(AGAIN))
    never_heard(call.callee, spoken(ONE_MOMENT))
    assert call.agent_states == [
        CallState.PENDING,
        CallState.ANSWERED,
        CallState.CONNECTED,
        CallState.DISCONNECTED,
    ]


async def test_the_greeting_can_be_interrupted(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        greeting = spoken(GREETING)
        await talks_over(call.caller, wav("alan_invoice.wav"), over=greeting, at=2.0)
        await hears(call.caller, spoken(ONE_MOMENT), within_seconds=5)
        interrupted(call.caller, greeting, at=2.5, tolerance_seconds=0.4)
        await hears(call.callee, spoken("Alan is calling, about an invoice."))


async def test_it_asks_again(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, spoken(GREETING), within_seconds=15)
        await call.caller.say(wav("lovely_day.wav"))
        await hears(call.caller, spoken(AGAIN))
        await call.caller.say(wav("ada_repair.wav"))
        await hears(call.callee, spoken("Ada is calling, about a repair."), within_seconds=15)


async def test_it_asks_for_what_is_missing(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        await hears(call.caller, spoken(GREETING), within_seconds=15)
        await call.caller.say(wav("my_name_is_grace.wav"))
        await hears(call.caller, spoken(WHAT))
        await call.caller.say(wav("about_a_rental.wav"))
        await hears(call.callee, spoken("Grace is calling, about a rental."), within_seconds=15)
    never_heard(call.caller, spoken(AGAIN))


async def test_a_silent_caller_is_put_through(simulator: Simulator) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        for question in (GREETING, AGAIN, AGAIN):
            await hears(call.caller, spoken(question), within_seconds=18)
        whisper = spoken("Somebody is calling, about something else.")
        await hears(call.callee, whisper, within_seconds=20)


async def test_each_caller_is_put_through_to_whom_they_called(
    simulator: Simulator, wav: WavLoader
) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        ada, alan = simulator.place_call(), simulator.place_call()
        await hears(ada.caller, spoken(GREETING), within_seconds=15)
        ada.caller.say_nowait(wav("ada_repair.wav"))
        alan.caller.say_nowait(wav("alan_invoice.wav"))
        await hears(ada.callee, spoken("Ada is calling, about a repair."), within_seconds=15)
        await hears(alan.callee, spoken("Alan is calling, about an invoice."), within_seconds=15)


async def test_nobody_is_free(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call(pickup=declines(after_seconds=3))
        await talks_over(call.caller, wav("ada_repair.wav"), over=spoken(GREETING), at=1.0)
        await hears(call.caller, spoken(NOBODY), within_seconds=15)
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states


async def test_who_hangs_up_is_forgotten(simulator: Simulator, wav: WavLoader) -> None:
    async with run_agent(receptionist.handle_call, simulator):
        call = simulator.place_call()
        await call.caller.wait_talking()
        await trio.sleep(1)
        call.caller.say_nowait(wav("ada_repair.wav"))
        await trio.sleep(2)
        call.caller.hang_up()
        await call.wait_ended()
    assert CallState.CONNECTED not in call.agent_states
