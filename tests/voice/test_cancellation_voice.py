"""Saying and hearing, cancelled at every moment: what is left is as written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from tests.support.backdrops import FLAT
from tests.support.cancellation import Stage, at_every_moment
from tests.support.phone_calls import A, speech
from tests.support.voice_agents import RATE, loudness, sounds
from tests.support.wires import on_both_wires
from trio_calls import ActiveCall
from trio_calls.simulator import SimulatedCall
from trio_calls.simulator._simulated_call import drop_recordings
from trio_calls.voice import (
    Endpointing,
    SpeechEnd,
    SpeechEnding,
    SpeechOutcome,
    SpeechStart,
    Voice,
    open_voice,
)

pytestmark = [on_both_wires, pytest.mark.slow]

SPEECH = speech(1, 0.1)
NEXT = speech(2, 0.04)
QUICK = Endpointing(pause_seconds=0.1, hangover_seconds=0.05, min_speech_seconds=0.02)


async def check_silent_and_well(voice: Voice, phones: SimulatedCall) -> bytes:
    """Check that nothing is heard any more, and that the agent can go on.

    Returns what was heard since the recordings were dropped, which every attempt begins with: to
    look through all that there was before takes longer with each.
    """
    await trio.sleep(0.05)
    heard = sounds(phones.caller.heard)
    await trio.sleep(0.2)
    assert sounds(phones.caller.heard) == heard
    assert not voice.is_paused
    assert await voice.say(NEXT) == SpeechOutcome(SpeechEnding.HEARD, 0.04, 0.04)
    assert sounds(phones.caller.heard) == heard + NEXT
    return heard


@at_every_moment(max_orders=4)
async def test_a_cancelled_say_is_silent_at_once(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        async with open_voice(call) as voice:
            for attempt in stage.attempts():
                drop_recordings(phones)
                said = voice.speech(SPEECH)
                with attempt.watch():
                    await said.say()
                assert said.outcome is not None or attempt.number == 0
                outcome = said.outcome or SpeechOutcome(SpeechEnding.INTERRUPTED, 0, 0)
                heard = await check_silent_and_well(voice, phones)
                assert SPEECH.startswith(heard)
                assert abs(len(heard) / 2 / RATE - outcome.heard_seconds) <= 0.02 + 1e-6
        assert call.state is A


@at_every_moment(max_orders=4)
async def test_a_cancelled_stream_is_closed(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        async with open_voice(call) as voice:
            for attempt in stage.attempts():
                open_streams: set[str] = set()

                async def synthesize(open_streams: set[str] = open_streams) -> AsyncIterator[bytes]:
                    open_streams.add("stream")
                    try:
                        for start in range(0, len(SPEECH), 1001):
                            await trio.sleep(0.01)
                            yield SPEECH[start : start + 1001]
                    finally:
                        open_streams.discard("stream")

                drop_recordings(phones)
                with attempt.watch():
                    await voice.say(synthesize())
                assert not open_streams
                heard = await check_silent_and_well(voice, phones)
                assert len(heard) <= len(SPEECH) + 960


@at_every_moment(max_orders=4)
async def test_no_utterance_is_lost(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        async with open_voice(call, detector=loudness, endpointing=QUICK) as voice:
            utterances = voice.utterances()
            for attempt in stage.attempts():
                phones.caller.say_nowait(speech(attempt.number, 0.06))
                heard = []
                with attempt.watch():
                    heard.append(await anext(utterances))
                if not heard:
                    heard.append(await anext(utterances))
                said = speech(attempt.number, 0.06)
                assert heard[0].pcm.strip(b"\0") == said.strip(b"\0")


@at_every_moment(max_orders=4)
async def test_no_event_is_lost(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        async with open_voice(call, detector=loudness, endpointing=QUICK) as voice:
            events = voice.speech_events()
            for attempt in stage.attempts():
                phones.caller.say_nowait(speech(attempt.number, 0.06))
                seen = []
                with attempt.watch():
                    seen.append(await anext(events))
                while not (seen and isinstance(seen[-1], SpeechEnd)):
                    seen.append(await anext(events))
                assert isinstance(seen[0], SpeechStart)
                said = b"".join(getattr(event, "pcm", b"") for event in seen)
                assert said.strip(b"\0") == speech(attempt.number, 0.06).strip(b"\0")


async def _be_interrupted(call: ActiveCall, phones: SimulatedCall, voice: Voice) -> None:
    del call
    with voice.until_interrupted(min_speech_seconds=0.05):
        phones.caller.say_nowait(speech(3, 0.1))
        await voice.say(SPEECH)


@at_every_moment(max_orders=4)
async def test_a_cancelled_block_holds_nothing_back(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        async with open_voice(call, detector=loudness, endpointing=QUICK) as voice:
            for attempt in stage.attempts():
                drop_recordings(phones)
                with attempt.watch():
                    await _be_interrupted(call, phones, voice)
                await check_silent_and_well(voice, phones)


@at_every_moment(max_orders=4)
async def test_a_cancelled_voice_leaves_no_task(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        for attempt in stage.attempts():
            with attempt.watch():
                async with open_voice(call, detector=loudness, endpointing=QUICK) as voice:
                    voice.pause()
                    voice.utterances()
                    await trio.sleep(0.05)
            async with open_voice(call) as voice:
                drop_recordings(phones)
                await check_silent_and_well(voice, phones)


@at_every_moment(max_orders=1)
async def test_a_cancelled_backdrop_fades_out(stage: Stage) -> None:
    async with stage.call() as (call, phones):
        await call.answer()
        async with open_voice(call) as voice:
            for attempt in stage.attempts():
                with attempt.watch(), voice.backdrop(FLAT):
                    await voice.say(SPEECH)
                await trio.sleep(0.2)
                assert not any(phones.caller.heard[-960:])
                drop_recordings(phones)
                await check_silent_and_well(voice, phones)
