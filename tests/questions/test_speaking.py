"""What is said: how long sending waits, and what of it is heard."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import speech
from tests.support.served_calls import served_call, sounds
from trio_calls import ActiveCall, BufferFullError
from trio_calls.simulator import Simulator

HALF_A_MINUTE = speech(1, 30)


async def test_what_a_cancelled_sender_has_queued_is_heard(simulator: Simulator) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with trio.move_on_after(1):
            await call.send_audio(HALF_A_MINUTE)

    async with served_call(simulator, handle) as call:
        await call.wait_ended()
    heard = sounds(call.caller.heard)
    assert HALF_A_MINUTE.startswith(heard)
    assert len(heard) / 48_000 == pytest.approx(23, abs=0.2)


async def test_sending_waits_for_room_in_the_queue(simulator: Simulator) -> None:
    waited: list[float] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        began_at = trio.current_time()
        await call.send_audio(HALF_A_MINUTE)
        waited.append(trio.current_time() - began_at)
        with pytest.raises(BufferFullError):
            call.send_audio_nowait(speech(2))

    async with served_call(simulator, handle) as call:
        await call.wait_ended()
    assert waited == [pytest.approx(8, abs=0.2)]
    assert sounds(call.caller.heard) == HALF_A_MINUTE
