"""The media connection is lost: what the handler sees, and what becomes of the people."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import D, speech
from tests.support.served_calls import rings, served_call
from trio_calls import ActiveCall, EndCause, WSSCallLostError
from trio_calls.simulator import PhoneState, Simulator, answers, cut_media, never_answers
from trio_calls.testing import heard


@pytest.mark.parametrize("in_conference", [False, True])
async def test_the_media_connection_is_lost(simulator: Simulator, in_conference: bool) -> None:
    causes: list[EndCause] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        if in_conference:
            await call.connect()
        async for _ in call.audio_stream():
            pass
        await call.send_audio(speech(1))
        assert call.ending is not None
        causes.append(call.ending.cause)

    async with served_call(simulator, handle, answers(after_seconds=1)) as call:
        await call.caller.wait_talking()
        await trio.sleep(3)
        simulator.inject(cut_media(), call=call)
        await trio.sleep(1)
        assert causes == [EndCause.LOST]
        assert call.agent_states[-1] is D
        if in_conference:
            await call.caller.say(speech(2))
            heard(call.callee, speech(2))
        else:
            assert call.caller.state is PhoneState.HUNG_UP
        call.caller.hang_up()


async def test_it_is_lost_while_the_phone_rings(simulator: Simulator) -> None:
    raised_after: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        try:
            await call.connect()
        except WSSCallLostError:
            raised_after.append(trio.current_time() - cut_at)

    async with served_call(simulator, handle, never_answers()) as call:
        await trio.sleep(3)
        assert rings(call.callee)
        cut_at = trio.current_time()
        simulator.inject(cut_media(), call=call)
        await trio.sleep(1)
        call.caller.hang_up()
    assert raised_after == [pytest.approx(0, abs=0.2)]
    assert not rings(call.callee)
