"""Something is cancelled: where that comes out, and how much of a goodbye is heard."""

from __future__ import annotations

import pytest
import trio

from tests.support.phone_calls import D, place_call, speech
from tests.support.served_calls import sounds
from trio_calls import ActiveCall
from trio_calls.simulator import Simulator


async def test_cancelled_comes_out_of_each_await(simulator: Simulator) -> None:
    lines: list[str] = []

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        try:
            async for _ in call.audio_stream():
                lines.append("hears")
        except trio.Cancelled:
            lines.append("cancelled in the loop")
            call.send_audio_nowait(speech(1))
            lines.append("no await")
            with pytest.raises(trio.Cancelled):
                await call.send_audio(speech(2))
            lines.append("cancelled again")
            raise
        finally:
            lines.append("leaves")

    async with trio.open_nursery() as nursery:
        call = await place_call(simulator, handle, nursery)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert lines.index("cancelled in the loop") > 10
    assert lines[-4:] == ["cancelled in the loop", "no await", "cancelled again", "leaves"]
    assert call.agent_states[-1] is D


async def test_a_goodbye_longer_than_the_grace_is_cut(simulator: Simulator) -> None:
    goodbye = speech(1, 5)

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(10, shield=True):
                await call.send_audio(goodbye)
                await call.disconnect()

    async with trio.open_nursery() as nursery:
        call = await place_call(simulator, handle, nursery)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await call.wait_ended()
    heard = sounds(call.caller.heard)
    assert goodbye.startswith(heard)
    assert len(heard) / 48_000 == pytest.approx(2, abs=0.1)
