"""Noticing that an agent is silent, as the exchange does not ask for what it has to say."""

from __future__ import annotations

import trio

from tests.support.peers.exchange import FakeExchange
from tests.support.phone_calls import speech
from tests.support.transports import on_one_transport
from trio_calls.call.active_call import is_starved, playout_of
from trio_calls.wire.first.media import BufferRequest

pytestmark = on_one_transport

FRAME = 960


async def test_speech_that_is_not_asked_for(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, _, _):
        assert not is_starved(call)
        media = await exchange.answer(call)
        assert not is_starved(call)
        call.send_audio_nowait(speech(1, 1.0))
        assert is_starved(call)
        # A tenth of a second is played, and then nothing more is asked for.
        await media.send(BufferRequest(5 * FRAME))
        await trio.sleep(0.05)
        assert not is_starved(call)
        await trio.sleep(0.3)
        assert is_starved(call)
        await media.send(BufferRequest(10**6))
        await trio.sleep(5)
        assert not is_starved(call)


async def test_who_has_nothing_to_say_does_not_starve(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, _, _):
        media = await exchange.answer(call)
        await media.send(BufferRequest(5 * FRAME))
        call.send_audio_nowait(speech(1, 0.1))
        await trio.sleep(5)
        assert not is_starved(call)


async def test_what_is_held_back_is_not_starved(exchange: FakeExchange) -> None:
    async with exchange.open_client_where_it_rings() as (call, _, _):
        media = await exchange.answer(call)
        call.send_audio_nowait(speech(1, 1.0))
        playout_of(call).pause(holder := object())
        # For the frame in which it fades out.
        await media.send(BufferRequest(FRAME))
        await trio.sleep(1)
        assert not is_starved(call)
        playout_of(call).resume(holder)
        assert is_starved(call)
