"""An exchange on which nobody hears the agent after ``connect()``, unless it asks for that."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.phone_calls import speech
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, AgentMode, serve_calls
from trio_calls.config import WireName
from trio_calls.simulator import answers, open_simulator

pytestmark = on_one_transport

SPEECH = speech(1)


@pytest.mark.parametrize("mode", [None, AgentMode.BARGE])
async def test_who_is_not_heard_at_first_can_ask_for_it(
    autojump_clock: MockClock, wire: WireName, mode: AgentMode | None
) -> None:
    modes: list[AgentMode | None] = []

    async def talk(call: ActiveCall) -> None:
        await (call.connect() if mode is None else call.connect(mode=mode))
        modes.append(call.mode)
        await call.send_audio(SPEECH)
        await call.wait_audio_sent()
        await trio.sleep(0.2)
        await call.disconnect()

    async with (
        open_simulator(wire=wire, mode_after_connect=AgentMode.SPY) as simulator,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(serve_calls, talk, simulator.config)
        call = simulator.place_call(pickup=answers(after_seconds=1))
        await call.wait_ended()
        nursery.cancel_scope.cancel()
    assert modes == [mode or AgentMode.SPY]
    is_heard = mode is AgentMode.BARGE
    assert [SPEECH in phone.heard for phone in (call.caller, call.callee)] == [is_heard, is_heard]
