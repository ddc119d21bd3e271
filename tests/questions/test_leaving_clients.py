"""The client's block is left while people talk: what each of them hears."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import speech
from trio_calls import ActiveCall, events, open_call_client
from trio_calls.simulator import PhoneState, Simulator, answers
from trio_calls.testing import hears


async def test_what_becomes_of_people_when_the_client_is_left(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        if call.caller_number == "rings":
            await trio.sleep_forever()
        await call.answer()
        if call.caller_number == "conference":
            await call.connect()
        await call.send_audio(speech(1, 10))
        await trio.sleep_forever()

    async with open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(handle)
        alone, conference, ringing = (
            simulator.place_call(caller=caller, pickup=answers(after_seconds=0.5))
            for caller in ("alone", "conference", "rings")
        )
        await trio.sleep(3)
        left_at = trio.current_time()
    assert trio.current_time() - left_at == pytest.approx(0, abs=0.1)
    assert alone.caller.state is PhoneState.HUNG_UP
    assert len(alone.caller.heard) / 48_000 == pytest.approx(3, abs=0.2)
    assert ringing.caller.state is PhoneState.CALLING
    await conference.caller.say(speech(2))
    await hears(conference.callee, speech(2))
    conference.caller.hang_up()
    ringing.caller.hang_up()
