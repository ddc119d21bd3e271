"""Calls that the official client hands over to ours, and ours to it."""

from __future__ import annotations

import math

import pytest
import telcoflow
import trio

from tests.support.official_client import (
    SAMPLE_RATE,
    audible,
    listen,
    open_client,
    open_exchange,
    until,
)
from trio_calls import ActiveCall, EndCause, events, open_call_client
from trio_calls.audio import noise
from trio_calls.sessions import HandOver, serve_handed_over
from trio_calls.state import CallState

pytestmark = pytest.mark.slow

GREETING = noise(0.2, SAMPLE_RATE, seed=1)
QUESTION = noise(0.2, SAMPLE_RATE, seed=2)


async def test_the_official_client_hands_a_call_over_to_ours() -> None:
    heard = bytearray()

    async def talk(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(GREETING)
        async for chunk in call.audio_stream():
            heard.extend(chunk)

    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed = simulator.place_call(caller="+1", callee="+2")
        official = await aio.run(client.take_call)
        sent, documents = trio.open_memory_channel[str](1)
        sent.send_nowait(official.to_json())
        sent.close()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_handed_over, documents, talk, simulator.config)
            await placed.caller.wait_talking()
            await placed.caller.say(QUESTION)
            await until(lambda: audible(bytes(heard)) == QUESTION)
            await until(lambda: audible(placed.caller.heard) == GREETING)
            placed.caller.hang_up()
        await placed.wait_ended()
        # The claim is still the official client's.
        assert await aio.run(client.closings.get) == telcoflow.CloseReason.CALL_TERMINATED
        assert placed.agent_states[1:] == [CallState.ANSWERED, CallState.DISCONNECTED]


@pytest.mark.parametrize("kind", ["document", "to_json"])
async def test_ours_hands_a_call_over_to_the_official_client(kind: str) -> None:
    sent, handed_over = trio.open_memory_channel[HandOver](math.inf)
    calls: list[ActiveCall] = []

    async def hand_over(call: ActiveCall) -> None:
        calls.append(call)
        sent.send_nowait(await call.hand_over("the official client"))

    async def take(text: str) -> telcoflow.Call:
        return telcoflow.Call.from_json(text, telcoflow.CallAudioConfig(sample_rate=SAMPLE_RATE))

    async with open_exchange() as (simulator, aio), open_call_client(simulator.config) as client:
        client.on(events.INCOMING_CALL)(hand_over)
        placed = simulator.place_call(caller="+1", callee="+2")
        secret = await handed_over.receive()
        call = await aio.run(take, secret.document if kind == "document" else secret.to_json())
        try:
            assert (call.id, call.caller_number, call.callee_number) == (
                placed.call_id,
                "+1",
                "+2",
            )
            assert await aio.run(call.answer)
            await aio.run(call.send_audio, GREETING)
            await placed.caller.say(QUESTION)
            await until(lambda: audible(placed.caller.heard) == GREETING)
            assert await aio.run(call.disconnect)
            assert audible(await aio.run(listen, call)) == QUESTION
        finally:
            with trio.CancelScope(shield=True):
                await aio.run(call.voice_session.close)
        await placed.wait_ended()
    assert calls[0].ending is not None
    assert calls[0].ending.cause is EndCause.HANDED_OVER
    assert placed.agent_states[1:] == [CallState.ANSWERED, CallState.DISCONNECTED]
