"""The vendor's newer client takes calls from the simulator, over the second wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from tests.support.agentduet_client import AgentDuet, open_agentduet, require_agentduet
from tests.support.official_client import SAMPLE_RATE, SOON, audible, until
from trio_calls import ActiveCall, events, open_call_client
from trio_calls.audio import noise
from trio_calls.sessions import HandOver, serve_handed_over
from trio_calls.simulator import SimulatedCall, Simulator, answers, never_answers, open_simulator
from trio_calls.state import AgentMode, CallState

pytestmark = pytest.mark.slow

SPEECH = noise(0.4, SAMPLE_RATE, seed=1)
ANSWER = noise(0.4, SAMPLE_RATE, seed=2)

_TEST_SECONDS = 60


@pytest.fixture(autouse=True)
def agentduet_is_installed() -> None:
    require_agentduet()


@asynccontextmanager
async def open_both(audio_mode: str = "mixed") -> AsyncIterator[tuple[Simulator, AgentDuet]]:
    """A simulator on a loopback port and the client. There must be no violation."""
    with trio.fail_after(_TEST_SECONDS):
        async with open_simulator(port=0, sample_rate=SAMPLE_RATE) as simulator:
            async with open_agentduet(simulator, audio_mode=audio_mode) as client:
                yield simulator, client
            assert simulator.violations == []


async def take_call(simulator: Simulator, client: AgentDuet) -> SimulatedCall:
    placed = simulator.place_call(caller="+1", callee="+2", pickup=SOON)
    call = await client.do("take_call")
    assert call == {"id": placed.call_id, "caller": "+1", "callee": "+2", "state": "NEW"}
    return placed


async def test_a_call_is_answered_echoed_and_closed() -> None:
    async with open_both() as (simulator, client):
        placed = await take_call(simulator, client)
        await client.do("listen", echoes=True)
        await client.succeed("answer")
        assert await client.do("state") == "LIVE"
        await placed.caller.say(SPEECH)
        await until(lambda: audible(placed.caller.heard) == SPEECH)
        assert audible(await client.heard()) == SPEECH
        await client.succeed("close")
        await placed.wait_ended()
        assert placed.agent_states[1:] == [CallState.ANSWERED, CallState.DISCONNECTED]


async def test_a_conference_in_each_mode_and_isolated() -> None:
    async with open_both("isolated") as (simulator, client):
        placed = await take_call(simulator, client)
        await client.succeed("connect", ring_time_seconds=5)
        assert placed.agent_states[-1] is CallState.CONNECTED
        for track in (0, 1):
            await client.do("listen", track=track)
        await placed.caller.say(SPEECH)
        await placed.callee.say(ANSWER)
        await trio.sleep(0.2)
        assert audible(await client.heard(0)) == SPEECH
        assert audible(await client.heard(1)) == ANSWER
        for mode in ("whisper", "spy", "barge"):
            await client.succeed(mode)
            assert placed.agent_mode is AgentMode[mode.upper()]
        await client.say(SPEECH)
        await until(lambda: audible(placed.agent_said) == SPEECH)
        assert SPEECH in placed.callee.heard
        await client.succeed("disconnect")
        await placed.wait_ended()


async def test_what_it_has_queued_is_interrupted() -> None:
    async with open_both() as (simulator, client):
        placed = await take_call(simulator, client)
        await client.succeed("answer")
        await client.say(noise(5, SAMPLE_RATE, seed=3))
        await placed.caller.wait_sound()
        dropped = await client.succeed("clear_send_audio_buffer")
        assert dropped > 4 * 2 * SAMPLE_RATE
        await placed.caller.wait_silence(0.2)
        await client.say(SPEECH)
        await until(lambda: SPEECH in placed.caller.heard)
        placed.caller.hang_up()
        await placed.wait_ended()


async def test_it_calls_out() -> None:
    async with open_both() as (simulator, client):
        simulator.set_pickup("+3", answers(after_seconds=0.2))
        simulator.set_pickup("+4", never_answers())
        await client.do("open_session", session_id="s", subscriber="+2")
        call = await client.do("create_call", number="+3")
        assert (call["caller"], call["callee"]) == ("+2", "+3")
        (placed,) = simulator.calls
        assert placed.call_id == call["id"]
        await client.succeed("dial", ring_time_seconds=5)
        await client.say(SPEECH)
        await until(lambda: audible(placed.callee.heard) == SPEECH)
        await client.succeed("close")
        await placed.wait_ended()
        await client.do("create_call", number="+4")
        assert await client.fail("dial", ring_time_seconds=1) == "CALL_UNANSWERED"
        assert await client.do("list_sessions", subscriber="+2") == [["s", "+2", ["+3", "+4"]]]


async def test_one_process_hands_its_call_to_another() -> None:
    async with (
        open_both() as (simulator, one),
        open_agentduet(simulator) as other,
    ):
        placed = await take_call(simulator, one)
        await other.do("take_over", document=await one.do("hand_over"))
        await other.succeed("answer")
        await other.say(SPEECH)
        await until(lambda: audible(placed.caller.heard) == SPEECH)
        await other.succeed("close")
        await placed.wait_ended()


async def test_it_writes_and_is_written_to() -> None:
    async with open_both() as (simulator, client):
        partner = simulator.place_message(sender="6591", receiver="6562", content="hi")
        message = await client.do("next_message")
        assert (message["from"], message["to"]) == ("6591", "6562")
        assert message["payload"]["text"] == {"body": "hi"}
        await client.do("open_session", session_id="s", subscriber="6562")
        sent = await client.do("write", to="6591", text="yes?")
        assert sent[:2] == [True, None]
        assert (await partner.wait_reply()).text == "yes?"


async def test_what_it_wants_to_be_told_of_is_kept() -> None:
    async with open_both() as (simulator, client):
        await client.do("set_conditions", inbound_call="NO")
        waiting = simulator.place_call(caller="+1", callee="+2")
        await client.do("set_conditions", inbound_call="ALL")
        assert (await client.do("take_call"))["id"] == waiting.call_id


async def test_it_hands_a_call_over_to_ours() -> None:
    heard = bytearray()

    async def talk(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(ANSWER)
        async for chunk in call.audio_stream():
            heard.extend(chunk)

    async with open_both() as (simulator, client):
        placed = await take_call(simulator, client)
        sent, documents = trio.open_memory_channel[str](1)
        sent.send_nowait(await client.do("hand_over"))
        sent.close()
        async with trio.open_nursery() as nursery:
            # Of the first wire, and of another format: the document says better.
            config = attrs.evolve(simulator.config, sample_rate=24000)
            assert config.wire == "first"
            nursery.start_soon(serve_handed_over, documents, talk, config)
            await placed.caller.wait_talking()
            await placed.caller.say(SPEECH)
            await until(lambda: audible(bytes(heard)) == SPEECH)
            await until(lambda: audible(placed.caller.heard) == ANSWER)
            placed.caller.hang_up()
        await placed.wait_ended()


async def test_ours_hands_a_call_over_to_it() -> None:
    handed_over: list[HandOver] = []

    async def hand_over(call: ActiveCall) -> None:
        handed_over.append(await call.hand_over())

    async with open_both() as (simulator, client):
        await client.do("set_conditions", inbound_call="ALL")
        ours = attrs.evolve(simulator.config, wire="second", wire_version="1.0.0b8")
        async with open_call_client(ours) as one:
            one.on(events.INCOMING_CALL)(hand_over)
            # One of the two is told, by turns: the other is the vendor's.
            placed, other = simulator.place_call(), simulator.place_call()
            theirs = await client.do("take_call")
            await until(lambda: bool(handed_over))
            assert {theirs["id"], handed_over[0].call_id} == {placed.call_id, other.call_id}
            await client.do("take_over", document=handed_over[0].to_json())
            await client.succeed("answer")
            await client.say(SPEECH)
            (call,) = (each for each in simulator.calls if each.call_id == handed_over[0].call_id)
            await until(lambda: audible(call.caller.heard) == SPEECH)
            await client.succeed("close")
            await call.wait_ended()
