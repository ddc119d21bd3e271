"""The callee: rings, picks up, hangs up."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import A, C, D, P, speech
from tests.support.served_calls import rings, served_call
from trio_calls import ActiveCall, EndCause, Ending, WSSCallCommandError
from trio_calls.simulator import PhoneState, Simulator, answers, never_answers
from trio_calls.testing import heard


async def test_the_callee_hangs_up_in_a_conference(simulator: Simulator) -> None:
    endings: list[Ending | None] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.connect()
        async for _ in call.audio_stream():
            pass
        await call.send_audio(speech(1))
        endings.append(call.ending)

    async with served_call(simulator, handle, answers(after_seconds=1)) as call:
        await call.callee.wait_talking()
        await trio.sleep(2)
        call.callee.hang_up()
        await call.wait_ended()
    assert endings == [Ending(EndCause.CALLER)]
    assert call.agent_states == [P, A, C, D]
    assert call.caller.state is PhoneState.HUNG_UP
    assert speech(1) not in call.caller.heard


async def test_a_ring_time_ends_the_ringing(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with pytest.raises(WSSCallCommandError, match="CALL_UNANSWERED"):
            await call.connect(ring_time_seconds=10)
        await call.send_audio(speech(1))
        await call.disconnect()

    async with served_call(simulator, handle, never_answers()) as call:
        await call.caller.wait_talking()
        await trio.sleep(9.5)
        assert rings(call.callee)
        await trio.sleep(1)
        assert not rings(call.callee)
        await call.wait_ended()
    heard(call.caller, speech(1))
    assert call.agent_states == [P, A, D]
