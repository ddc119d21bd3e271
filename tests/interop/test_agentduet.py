"""The vendor's newer client takes calls from the simulator, over the second wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.support.agentduet_client import AgentDuet, open_agentduet, require_agentduet
from tests.support.official_client import SAMPLE_RATE, SOON, audible, until
from trio_calls.audio import noise
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
