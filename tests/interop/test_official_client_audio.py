"""What is said and heard when the official client takes calls from the simulator.

Audio is compared byte for byte, silent frames left out: see `audible`.
"""

from __future__ import annotations

import pytest
import telcoflow
import trio

from tests.support.asyncio_thread import AsyncioThread
from tests.support.official_client import (
    SAMPLE_RATE,
    audible,
    echo,
    listen,
    open_client,
    open_exchange,
    take_answered_call,
    take_connected_call,
    until,
)
from trio_calls.audio import duration_seconds, find, noise, tone
from trio_calls.simulator import SimulatedCall
from trio_calls.state import AgentMode

pytestmark = pytest.mark.slow

CALLER_VOICE = noise(0.2, SAMPLE_RATE, seed=1)
CALLEE_VOICE = noise(0.2, SAMPLE_RATE, seed=2)
AGENT_VOICE = noise(0.2, SAMPLE_RATE, seed=3)


async def agent_says(
    aio: AsyncioThread, call: telcoflow.Call, placed: SimulatedCall, pcm: bytes
) -> None:
    """Let the agent say something into the call, to the end; who hears it is another matter."""
    said = audible(placed.agent_said) + pcm
    await aio.run(call.send_audio, pcm)
    await until(lambda: len(audible(placed.agent_said)) >= len(said))
    assert audible(placed.agent_said) == said


@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000])
async def test_an_echo_is_what_was_said_byte_for_byte(sample_rate: int) -> None:
    async with (
        open_exchange(sample_rate) as (simulator, aio),
        open_client(simulator, aio) as client,
        trio.open_nursery() as nursery,
    ):
        placed, call = await take_answered_call(simulator, aio, client)
        nursery.start_soon(aio.run, echo, call)
        speech = noise(0.6, sample_rate, seed=1)
        await placed.caller.say(speech)
        await until(lambda: len(audible(placed.caller.heard, sample_rate)) >= len(speech))
        assert audible(placed.caller.heard, sample_rate) == speech
        placed.caller.hang_up()


async def test_its_default_rate_is_converted_for_other_telephones() -> None:
    default = telcoflow.CallAudioConfig().sample_rate
    async with (
        open_exchange(24000) as (simulator, aio),
        open_client(simulator, aio, sample_rate=default) as client,
        trio.open_nursery() as nursery,
    ):
        placed, call = await take_answered_call(simulator, aio, client)
        assert call.audio_config.sample_rate == default == 16000
        nursery.start_soon(aio.run, echo, call)
        hum = tone(500, 0.5, 24000)
        await placed.caller.say(hum)
        await until(lambda: len(audible(placed.caller.heard, 24000)) >= len(hum))
        placed.caller.hang_up()
        assert find(hum[9600:-9600], placed.caller.heard).correlation > 0.95


@pytest.mark.parametrize("piece_bytes", [2, 638, 642, 3000])
async def test_what_the_agent_says_in_pieces_is_heard_whole(piece_bytes: int) -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)

        async def say_in_pieces() -> None:
            for start in range(0, len(AGENT_VOICE), piece_bytes):
                await call.send_audio(AGENT_VOICE[start : start + piece_bytes])

        await aio.run(say_in_pieces)
        await until(lambda: len(audible(placed.caller.heard)) >= len(AGENT_VOICE))
        assert audible(placed.caller.heard) == AGENT_VOICE
        assert await aio.run(call.get_send_audio_buffer_size) == 0


async def test_both_parties_hear_each_other_and_the_agent_both() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(placed.caller.say, CALLER_VOICE)
            nursery.start_soon(placed.callee.say, CALLEE_VOICE)
        assert audible(placed.caller.heard) == CALLEE_VOICE
        assert audible(placed.callee.heard) == CALLER_VOICE
        await placed.caller.say(CALLER_VOICE)
        await placed.callee.say(CALLEE_VOICE)
        assert await aio.run(call.disconnect)
        heard = audible(await aio.run(listen, call))
        assert heard == audible(placed.agent_heard)
        assert heard.endswith(CALLER_VOICE + CALLEE_VOICE)


async def test_isolated_audio_has_a_channel_for_each_leg() -> None:
    async with (
        open_exchange() as (simulator, aio),
        open_client(simulator, aio, audio_mode=telcoflow.AudioMode.ISOLATED) as client,
    ):
        placed, call = await take_connected_call(simulator, aio, client)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(placed.caller.say, CALLER_VOICE)
            nursery.start_soon(placed.callee.say, CALLEE_VOICE)
        assert await aio.run(call.disconnect)
        assert audible(await aio.run(listen, call, 0)) == audible(placed.agent_heard)
        assert audible(await aio.run(listen, call, 1)) == CALLER_VOICE
        assert audible(await aio.run(listen, call, 2)) == CALLEE_VOICE


@pytest.mark.parametrize(
    ("mode", "heard_by_caller", "heard_by_callee"),
    [
        pytest.param(AgentMode.BARGE, AGENT_VOICE, AGENT_VOICE, id="barge"),
        pytest.param(AgentMode.WHISPER, b"", AGENT_VOICE, id="whisper"),
        pytest.param(AgentMode.SPY, b"", b"", id="spy"),
    ],
)
async def test_who_hears_the_agent(
    mode: AgentMode, heard_by_caller: bytes, heard_by_callee: bytes
) -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        set_mode = {
            AgentMode.BARGE: call.barge,
            AgentMode.WHISPER: call.whisper,
            AgentMode.SPY: call.spy,
        }[mode]
        assert await aio.run(set_mode)
        assert placed.agent_mode is mode
        await agent_says(aio, call, placed, AGENT_VOICE)
        await placed.caller.say(CALLER_VOICE)
        await placed.callee.say(CALLEE_VOICE)
        assert await aio.run(call.disconnect)
        assert audible(placed.caller.heard) == heard_by_caller + CALLEE_VOICE
        assert audible(placed.callee.heard) == heard_by_callee + CALLER_VOICE
        assert audible(await aio.run(listen, call)) == CALLER_VOICE + CALLEE_VOICE


async def test_a_mode_can_be_changed_in_the_middle_of_a_call() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_connected_call(simulator, aio, client)
        voices = [noise(0.1, SAMPLE_RATE, seed) for seed in range(4)]
        await agent_says(aio, call, placed, voices[0])
        assert await aio.run(call.spy)
        await agent_says(aio, call, placed, voices[1])
        assert await aio.run(call.whisper)
        await agent_says(aio, call, placed, voices[2])
        assert await aio.run(call.barge)
        await agent_says(aio, call, placed, voices[3])
        assert audible(placed.caller.heard) == voices[0] + voices[3]
        assert audible(placed.callee.heard) == voices[0] + voices[2] + voices[3]


async def test_interrupting_drops_what_was_queued() -> None:
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)
        monologue = noise(20, SAMPLE_RATE, seed=4)
        await aio.run(call.send_audio, monologue)
        await until(lambda: audible(placed.caller.heard) != b"")
        dropped = await aio.run(call.clear_send_audio_buffer)
        assert duration_seconds(dropped, SAMPLE_RATE) > 10
        await agent_says(aio, call, placed, AGENT_VOICE)

        heard = audible(placed.caller.heard)
        assert heard.endswith(AGENT_VOICE)
        beginning = heard.removesuffix(AGENT_VOICE)
        assert monologue.startswith(beginning)
        assert 0 < len(beginning) <= len(monologue) - dropped


async def test_close_does_not_wait_for_queued_audio() -> None:
    # Why the SDK of this project flushes: the exchange plays what it has pulled, and no more.
    async with open_exchange() as (simulator, aio), open_client(simulator, aio) as client:
        placed, call = await take_answered_call(simulator, aio, client)
        goodbye = noise(20, SAMPLE_RATE, seed=5)
        await aio.run(call.send_audio, goodbye)
        assert await aio.run(call.close)
        await placed.wait_ended()
        heard = audible(placed.caller.heard)
        assert goodbye.startswith(heard)
        assert duration_seconds(len(heard), SAMPLE_RATE) < 10
