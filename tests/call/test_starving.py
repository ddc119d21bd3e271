"""Noticing that an agent is silent, as the exchange does not ask for what it has to say."""

from __future__ import annotations

import trio

from tests.support.peers.one_call import FRAME, FakeMedia
from tests.support.phone_calls import speech
from trio_calls.call.active_call import is_starved, playout_of

SECOND = 50 * FRAME


async def test_speech_that_is_not_asked_for(fake_media: FakeMedia) -> None:
    async with fake_media.open_call() as call:
        assert not is_starved(call)
        await fake_media.while_accepting(call.answer, "call.answer")
        assert not is_starved(call)
        call.send_audio_nowait(speech(1, 1.0))
        assert is_starved(call)
        # A tenth of a second is played, and then nothing more is asked for.
        await fake_media.grant(5 * FRAME)
        await trio.sleep(0.05)
        assert not is_starved(call)
        await trio.sleep(0.3)
        assert is_starved(call)
        await fake_media.grant(20 * SECOND)
        await trio.sleep(5)
        assert not is_starved(call)


async def test_who_has_nothing_to_say_does_not_starve(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        await fake_media.grant(5 * FRAME)
        call.send_audio_nowait(speech(1, 0.1))
        await trio.sleep(5)
        assert not is_starved(call)


async def test_what_is_held_back_is_not_starved(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        call.send_audio_nowait(speech(1, 1.0))
        playout_of(call).pause(holder := object())
        # For the frame in which it fades out.
        await fake_media.grant(FRAME)
        await trio.sleep(1)
        assert not is_starved(call)
        playout_of(call).resume(holder)
        assert is_starved(call)
