"""The connections of a call that the application has started, cut at each of its frames."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from tests.support.in_memory import tasks_of_ours
from tests.support.transports import on_one_transport
from trio_calls import WSSError, open_call_client
from trio_calls.simulator import (
    Fault,
    PhoneState,
    answers,
    at_frame,
    cut_control,
    cut_media,
    open_simulator,
    restart,
)

pytestmark = [pytest.mark.slow, on_one_transport]

NUMBER = "+6591110000"


async def call_once(fault: Fault, frame: int) -> None:
    """Start a call and talk, while this goes wrong."""
    async with open_simulator() as simulator:
        simulator.set_pickup(NUMBER, answers(after_seconds=0.1))
        async with open_call_client(simulator.config) as client:
            simulator.inject(fault, when=at_frame(frame))
            with suppress(WSSError):
                session_id = await client.sessions.create("TELCO", NUMBER)
                with trio.fail_after(60):
                    async with client.open_call(session_id) as call:
                        await call.answer()
                        await call.send_audio(bytes(9600))
                        await call.close()
            assert client.calls == ()
            await trio.sleep(70)
            assert all(placed.callee.state is not PhoneState.TALKING for placed in simulator.calls)
            # The client goes on.
            again = await client.sessions.create("TELCO", "+2")
            async with client.open_call(again) as call:
                await call.answer()
        assert any(entry.what.startswith("fault: ") for entry in simulator.transcript)
    assert tasks_of_ours() == []


@pytest.mark.parametrize(
    "fault", [cut_control(), cut_media(), restart(seconds=1)], ids=["control", "media", "restart"]
)
async def test_nobody_is_left_waiting(fault: Fault) -> None:
    # From the answer to setup to the first of the audio.
    for frame in range(2, 18):
        await call_once(fault, frame)
