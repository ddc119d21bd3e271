"""Each SDK has the sample rate that it asks for, whatever rate the telephones have."""

from __future__ import annotations

import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from tests.support.peers.sdk import RawMedia, RawSdk, open_raw_sdk
from tests.support.sounds import speech
from tests.support.transports import on_one_transport
from trio_calls import ActiveCall, AudioMode, WSSConnectionError, events, open_call_client
from trio_calls.audio import find, frame_bytes, level_dbfs, to_samples, tone
from trio_calls.simulator import SimulatedCall, Simulator, answers, open_simulator

pytestmark = on_one_transport

#: Of the telephones, and of an agent.
UNEQUAL = list(itertools.permutations([8000, 16000, 24000], 2))

#: How long a resampler from this rate holds audio back, in seconds: 240 samples, or 600 to a third.
HELD_BACK = {8000: 0.03, 16000: 0.015, 24000: 0.01}


def delay_seconds(from_rate: int, to_rate: int) -> float:
    return 0.025 if (from_rate, to_rate) == (24000, 8000) else HELD_BACK[from_rate]


def hum(seconds: float, rate: int) -> bytes:
    return tone(500, seconds, rate, 0.25)


def peak_hz(pcm: bytes, rate: int) -> float:
    samples = to_samples(pcm)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / samples.size)


def assert_hums(heard: bytes, seconds: float, from_rate: int, to_rate: int) -> None:
    """It is the hum of the other rate: as long, as high, as loud, and whole."""
    begin = 2 * round(delay_seconds(from_rate, to_rate) * to_rate)
    end = begin + 2 * round(seconds * to_rate)
    assert find(hum(seconds, to_rate), heard).correlation > 0.98
    size = frame_bytes(to_rate)
    middle = heard[begin + size : end - size]
    assert peak_hz(middle, to_rate) == pytest.approx(500, abs=3)
    loudness = level_dbfs(hum(0.2, to_rate))
    pieces = [middle[at : at + size] for at in range(0, len(middle) - size + 1, size)]
    assert [level_dbfs(piece) for piece in pieces] == pytest.approx(
        [loudness] * len(pieces), abs=0.3
    )


@asynccontextmanager
async def talking(
    phone_rate: int, agent_rate: int, audio_mode: str = "mixed"
) -> AsyncIterator[tuple[SimulatedCall, RawMedia, RawSdk]]:
    """A call that an agent of another rate has answered."""
    async with open_simulator(sample_rate=phone_rate) as simulator:
        config = attrs.evolve(simulator.config, sample_rate=agent_rate)
        async with open_raw_sdk(config) as sdk:
            call = simulator.place_call(pickup=answers(after_seconds=1))
            media = await sdk.take_call(call, audio_mode)
            await media.succeed("call.answer")
            await trio.testing.wait_all_tasks_blocked()
            yield call, media, sdk
        assert simulator.violations == []


@pytest.mark.parametrize(("phone_rate", "agent_rate"), UNEQUAL)
async def test_a_tone_arrives_both_ways(phone_rate: int, agent_rate: int) -> None:
    async with talking(phone_rate, agent_rate) as (call, media, _):
        # Requests are in the agent's frames: `RawMedia` asserts it.
        media.say(hum(0.4, agent_rate))
        call.caller.say_nowait(hum(0.4, phone_rate))
        await trio.sleep(0.61)
        assert_hums(bytes(media.heard[0]), 0.4, phone_rate, agent_rate)
        assert_hums(call.caller.heard, 0.4, agent_rate, phone_rate)
        assert len(media.heard[0]) == 30 * frame_bytes(agent_rate)
        assert len(call.caller.heard) == 30 * frame_bytes(phone_rate)
        assert call.agent_said == call.caller.heard
        assert call.agent_heard == call.caller.said


@pytest.mark.parametrize(("phone_rate", "agent_rate"), UNEQUAL)
async def test_speech_arrives_both_ways(phone_rate: int, agent_rate: int) -> None:
    request = {rate: speech("caller_request", rate) for rate in (phone_rate, agent_rate)}
    greeting = {rate: speech("greeting", rate) for rate in (phone_rate, agent_rate)}
    async with talking(phone_rate, agent_rate) as (call, media, _):
        media.say(greeting[agent_rate])
        call.caller.say_nowait(request[phone_rate])
        await trio.sleep(8)
        for said, heard, rates in (
            (request[agent_rate], bytes(media.heard[0]), (phone_rate, agent_rate)),
            (greeting[phone_rate], call.caller.heard, (agent_rate, phone_rate)),
        ):
            match = find(said, heard)
            # What the lower rate cannot carry is lost, and samples fall between those of the other.
            assert match.correlation > 0.93
            late = match.offset_samples / rates[1]
            assert late == pytest.approx(delay_seconds(*rates), abs=0.001)


async def test_the_agent_is_asked_for_audio_of_its_own_rate() -> None:
    async with talking(24000, 8000) as (call, media, _):
        media.say(hum(1, 8000))
        await trio.sleep(0.51)
        # Three frames of 20 ms ahead, and one more with every tick, as at equal rates.
        assert sum(request.requested_bytes for request in media.requests) == (3 + 25) * 320
        assert {request.frame_bytes for request in media.requests} == {320}
        assert len(call.agent_said) == 25 * 960


async def test_isolated_legs_arrive_at_the_same_time() -> None:
    async with talking(24000, 16000, "isolated") as (call, media, _):
        await media.succeed("call.connect", 60)
        media.heard.clear()
        call.caller.say_nowait(tone(500, 0.4, 24000, 0.2))
        call.callee.say_nowait(tone(1000, 0.4, 24000, 0.2))
        await trio.sleep(0.6)
        begins = [
            find(tone(hertz, 0.4, 16000, 0.2), bytes(media.heard[channel])).offset_samples
            for channel, hertz in ((1, 500), (2, 1000))
        ]
        assert abs(begins[0] - begins[1]) <= 1
        caller, callee, everybody = (to_samples(bytes(media.heard[leg])) for leg in (1, 2, 0))
        assert find(caller + callee, everybody).correlation > 0.999


async def test_the_last_word_is_heard_before_the_agent_leaves() -> None:
    async with talking(24000, 8000) as (call, media, _):
        media.say(hum(0.06, 8000))
        await media.succeed("call.close")
        await call.wait_ended()
        assert find(hum(0.06, 24000), call.caller.heard).correlation > 0.98


async def test_what_is_interrupted_is_not_heard() -> None:
    async with talking(8000, 24000) as (call, media, _):
        media.say(hum(5, 24000))
        await trio.sleep(0.2)
        media._speech.clear()
        heard = len(call.caller.heard)
        await media.succeed("agent.interrupt")
        await trio.sleep(0.3)
        assert not any(call.caller.heard[heard:])


async def test_silence_stays_silent() -> None:
    async with talking(8000, 24000) as (call, media, _):
        await trio.sleep(0.5)
        assert not any(media.heard[0])
        assert not any(call.caller.heard)


async def test_transcripts_tell_the_time_and_not_the_bytes() -> None:
    async with talking(24000, 8000) as (call, media, _):
        media.say(hum(0.2, 8000))
        await trio.sleep(0.41)
        entries = [entry.what for entry in call.transcript.entries]
        assert "audio 200 ms channel 0" in entries
        assert "audio 400 ms channel 0" in entries


async def test_clients_of_any_rate_and_mode_share_a_simulator() -> None:
    served: list[tuple[int, AudioMode]] = []

    async def echo(call: ActiveCall) -> None:
        served.append((call.audio_format.sample_rate, call.audio_format.mode))
        await call.answer()
        async for chunk in call.audio_stream():
            assert len(chunk) == call.audio_format.frame_bytes
            await call.send_audio(chunk)

    formats = list(itertools.product([8000, 16000, 24000], AudioMode))
    async with open_simulator(sample_rate=16000) as simulator:
        calls = []
        for rate, mode in formats:
            config = attrs.evolve(simulator.config, sample_rate=rate, audio_mode=mode)
            async with open_call_client(config) as client:
                client.on(events.INCOMING_CALL)(echo)
                call = simulator.place_call()
                calls.append(call)
                await call.caller.wait_talking()
                await call.caller.say(hum(0.4, 16000))
                await trio.sleep(0.3)
                call.caller.hang_up()
        assert served == formats
        for call in calls:
            assert find(hum(0.4, 16000), call.caller.heard).correlation > 0.95
        assert simulator.violations == []


async def test_a_call_that_is_taken_over_has_the_new_rate(simulator: Simulator) -> None:
    call = simulator.place_call()
    for rate in (8000, 16000):
        async with open_raw_sdk(attrs.evolve(simulator.config, sample_rate=rate)) as sdk:
            media = await sdk.open_media(await (await sdk.open_control()).take_call(call))
            if rate == 16000:
                await media.succeed("call.answer")
                await trio.sleep(0.1)
                assert len(media.heard[0]) % frame_bytes(16000) == 0
                assert media.heard[0]
        await trio.testing.wait_all_tasks_blocked()


async def test_without_soxr_both_sides_are_told(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    told = "16000 Hz cannot be converted to the simulator's 24000 Hz without soxr"
    with pytest.raises(WSSConnectionError, match=f"1011 {told}: install trio-calls") as refused:
        async with open_call_client(attrs.evolve(simulator.config, sample_rate=16000)):
            raise AssertionError("it was let in")
    assert not refused.value.is_final
    (violation,) = simulator.violations
    assert violation.fault.startswith(told)
    assert told in caplog.text


async def test_without_soxr_equal_rates_are_as_ever(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    async with open_raw_sdk(simulator.config) as sdk:
        await (await sdk.take_call(simulator.place_call())).succeed("call.answer")
    assert simulator.violations == []
