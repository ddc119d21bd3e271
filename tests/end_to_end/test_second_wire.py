"""What an application does on the second wire only, with the simulator at the other end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs
import pytest
import trio

from tests.support.phone_calls import A, D, P, place_call, speech
from tests.support.transports import on_one_transport
from trio_calls import (
    ActiveCall,
    AudioMode,
    WSSCallClosedError,
    WSSCallCommandError,
    open_call_client,
    serve_calls,
)
from trio_calls.simulator import PhoneState, Simulator, answers, cut_control, never_answers

pytestmark = [on_one_transport, pytest.mark.parametrize("wire", ["second"])]

AGENT = "+65 6222 0000"
CUSTOMER = "+65 9111 0000"


async def test_a_call_out_is_dialed_by_answering_it(simulator: Simulator) -> None:
    simulator.set_pickup(CUSTOMER, answers(after_seconds=20))
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("TELCO", CUSTOMER, AGENT)
        placed = simulator.calls[-1]
        async with client.open_call(session_id) as call:
            assert placed.callee.state is PhoneState.IDLE
            assert (call.caller_number, call.callee_number) == (AGENT, CUSTOMER)
            began = trio.current_time()
            await call.answer()
            assert 20 <= trio.current_time() - began < 21
            await call.send_audio(speech(1))
            await call.close()
    assert speech(1) in placed.callee.heard
    assert placed.agent_states == [P, A, D]
    assert simulator.violations == []


async def test_a_call_out_that_nobody_answers(simulator: Simulator) -> None:
    simulator.set_pickup(CUSTOMER, never_answers())
    async with open_call_client(simulator.config) as client:
        session_id = await client.sessions.create("TELCO", CUSTOMER, AGENT)
        async with client.open_call(session_id) as call:
            began = trio.current_time()
            with pytest.raises(WSSCallCommandError, match="CALL_UNANSWERED"):
                await call.answer()
            assert trio.current_time() - began == pytest.approx(60, abs=1)
    assert simulator.violations == []


async def test_a_call_out_needs_a_number_of_ours(simulator: Simulator) -> None:
    async with open_call_client(simulator.config) as client:
        with pytest.raises(ValueError, match="local_address"):
            await client.sessions.create("TELCO", CUSTOMER)


async def test_who_hangs_up_while_it_rings_is_heard_of(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    outcomes: list[str] = []

    async def thinks(call: ActiveCall) -> None:
        await trio.sleep(5)
        with pytest.raises(WSSCallClosedError):
            await call.answer()
        outcomes.append("closed")

    call = await place_call(simulator, thinks, nursery)
    await trio.sleep(2)
    call.caller.hang_up()
    await trio.sleep(10)
    assert outcomes == ["closed"]
    assert simulator.violations == []


async def test_a_ringing_call_is_handed_over(simulator: Simulator, nursery: trio.Nursery) -> None:
    documents: list[str] = []

    async def hand_over(call: ActiveCall) -> None:
        documents.append((await call.hand_over()).to_json())

    async def talk(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(4))
        await call.close()

    call = await place_call(simulator, hand_over, nursery)
    await trio.sleep(1)
    async with open_call_client(simulator.config) as other:
        await other.adopt(documents[0], talk)
    assert speech(4) in call.caller.heard
    assert simulator.violations == []


async def test_each_party_is_on_a_channel_of_its_own(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    config = attrs.evolve(simulator.config, audio_mode=AudioMode.ISOLATED)
    heard = {0: bytearray(), 1: bytearray(), 2: bytearray()}

    async def listen(call: ActiveCall) -> None:
        await call.connect()
        async with trio.open_nursery() as listeners:
            for channel, pcm in heard.items():
                listeners.start_soon(collect, call.audio_stream(channel), pcm)

    async def collect(stream: AsyncIterator[bytes], pcm: bytearray) -> None:
        async for chunk in stream:
            pcm += chunk

    await nursery.start(serve_calls, listen, config)
    call = simulator.place_call(pickup=answers(after_seconds=1))
    await call.callee.wait_talking()
    await call.caller.say(speech(5))
    await call.callee.say(speech(6))
    await trio.sleep(1)
    call.caller.hang_up()
    await call.wait_ended()
    assert speech(5) in heard[1]
    assert speech(6) not in heard[1]
    assert speech(6) in heard[2]
    assert speech(5) not in heard[2]
    assert speech(5) in heard[0]
    assert speech(6) in heard[0]


async def test_an_answer_outlives_the_control_connection(
    simulator: Simulator, nursery: trio.Nursery
) -> None:
    async def thinks(call: ActiveCall) -> None:
        await trio.sleep(5)
        await call.answer()
        await call.send_audio(speech(3))
        await call.close()

    call = await place_call(simulator, thinks, nursery)
    await trio.sleep(2)
    simulator.inject(cut_control())
    await call.wait_ended()
    assert speech(3) in call.caller.heard
