"""A call of the second wire goes to another process, which may have been told of the first."""

from __future__ import annotations

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, events, open_call_client
from trio_calls.audio import noise
from trio_calls.config import WireName
from trio_calls.sessions import HandOver, serve_handed_over
from trio_calls.simulator import open_simulator

pytestmark = on_one_transport

GREETING = noise(0.1, 24000, seed=1)


@pytest.mark.parametrize("wire", ["first", "second"])
async def test_the_document_says_the_wire(autojump_clock: MockClock, wire: WireName) -> None:
    sent, documents = trio.open_memory_channel[HandOver | str | bytes](1)

    async def pass_on(call: ActiveCall) -> None:
        sent.send_nowait((await call.hand_over()).to_json())

    async def talk(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(GREETING)
        await call.wait_audio_sent()
        await call.disconnect()

    async with open_simulator(wire="second") as simulator, trio.open_nursery() as nursery:
        config = attrs.evolve(simulator.config, wire=wire, wire_version="1.0.0")
        nursery.start_soon(serve_handed_over, documents, talk, config)
        async with open_call_client(simulator.config) as client:
            client.on(events.INCOMING_CALL)(pass_on)
            placed = simulator.place_call()
            await placed.wait_ended()
        assert GREETING in placed.caller.heard
        assert simulator.violations == []
        nursery.cancel_scope.cancel()
