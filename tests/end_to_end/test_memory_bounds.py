"""Whatever floods a client, from either side: what it keeps has a bound."""

from typing import Final

import numpy as np
import pytest
import trio
import trio.testing

from tests.support.clogged_pipes import Pipes
from tests.support.memory_growth import KIB, MIB, measured_growth
from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd
from tests.support.peers.one_call import FRAME, FakeMedia
from trio_calls import (
    ActiveCall,
    BufferFullError,
    CallClient,
    WSSCallFaultError,
    WSSConnectionError,
    events,
    open_call_client,
)
from trio_calls.call.event_handlers import MAX_WAITING_EVENTS
from trio_calls.client.control_connection import MAX_WAITING_MESSAGES
from trio_calls.client.offer_queue import MAX_WAITING_OFFERS
from trio_calls.client.offers import MAX_CLAIMS_AT_ONCE
from trio_calls.config import WireName
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent
from trio_calls.wire.control_wire import Offered
from trio_calls.wire.first.control import SessionOpen, SessionReady

pytestmark = [
    pytest.mark.measures_memory,
    # What is kept does not depend on the WebSocket library.
    pytest.mark.parametrize("transport", ["websockets"], indirect=True),
    pytest.mark.slow,
]

#: Bytes of an offer that waits.
OFFER_BYTES = 500

#: More than may wait. On the second wire, who calls whom is remembered of all of them.
OFFERS = MAX_WAITING_OFFERS + 2000
NOTIFIED_BYTES: Final[dict[WireName, int]] = {"first": 0, "second": OFFERS * 900}

#: Half a second of audio in one message.
LONG_FRAME = 24_000


def tell_of(client: CallClient, control: ControlEnd, number: int) -> None:
    """Offer a call: that it comes in a frame costs nothing here."""
    control_wire = client._incoming.control.wire
    news = control_wire.read(encode(control.words.offer(f"session {number}")))
    assert isinstance(news, Offered)
    client._incoming.control_received(news)


async def speak_for(fake_media: FakeMedia, seconds: int) -> None:
    """Say something for so long, numbered, in messages of half a second."""
    for number in range(seconds * 2):
        await fake_media.speak(number.to_bytes(4, "little") * (LONG_FRAME // 4))
    await trio.testing.wait_all_tasks_blocked()


async def test_who_never_reads_keeps_only_the_newest_seconds(
    fake_media: FakeMedia,
) -> None:
    async with fake_media.open_answered_call(receive_buffer_seconds=5) as call:
        with measured_growth() as growth:
            await speak_for(fake_media, 600)
            assert 5 * 48_000 <= growth.bytes_now() < 5 * 48_000 + 64 * KIB
        assert call.statistics().dropped_frames == 595 * 2
        oldest = await anext(call.audio_stream())
        assert int.from_bytes(oldest[:4], "little") == 595 * 2


async def test_many_streams_that_nobody_reads_share_their_frames(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(receive_buffer_seconds=5) as call:
        with measured_growth() as growth:
            streams = [call.audio_stream() for _ in range(500)]
            await speak_for(fake_media, 20)
            assert growth.bytes_now() < 5 * 48_000 + 500 * 4 * KIB
        assert all([int.from_bytes((await anext(s))[:4], "little") == 30 for s in streams])


async def test_streams_that_were_let_go_leave_nothing(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        call.audio_stream()
        await speak_for(fake_media, 5)
        with measured_growth() as growth:
            for _ in range(20_000):
                call.audio_stream()
            await speak_for(fake_media, 5)
            # The last message is still in the hands of those who passed it on.
            assert growth.bytes_now() < 4 * LONG_FRAME


async def test_who_never_stops_sending_waits_at_the_bound(
    fake_media: FakeMedia,
) -> None:
    async def talk(call: ActiveCall) -> None:
        while True:
            await call.send_audio(bytes(FRAME))

    async with (
        fake_media.open_answered_call(send_buffer_bytes=MIB) as call,
        trio.open_nursery() as nursery,
    ):
        with measured_growth() as growth:
            nursery.start_soon(talk, call)
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(30):
                await trio.sleep(20)
                await fake_media.grant(FRAME)
            await trio.testing.wait_all_tasks_blocked()
            assert growth.bytes_now() < MIB * 1.3  # a bytearray keeps some room to grow
        assert MIB - FRAME < call.get_send_audio_buffer_size() <= MIB
        assert len(fake_media.audio) == 30
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("frame", [bytes(FRAME), np.zeros(FRAME // 2, np.int16).data])
async def test_send_audio_nowait_raises_at_the_bound(
    fake_media: FakeMedia, frame: bytes | memoryview
) -> None:
    async with fake_media.open_answered_call(send_buffer_bytes=101 * FRAME - 2) as call:
        for _ in range(100):
            call.send_audio_nowait(frame)
        for _ in range(3):
            with pytest.raises(BufferFullError):
                call.send_audio_nowait(frame)
        assert call.get_send_audio_buffer_size() == 100 * FRAME


async def test_samples_count_by_their_bytes(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call(send_buffer_bytes=2 * FRAME) as call:
        call.send_audio_nowait(np.zeros(FRAME, np.int16).data)
        assert call.get_send_audio_buffer_size() == 2 * FRAME


async def test_interrupts_that_are_never_answered_are_forgotten(fake_media: FakeMedia) -> None:
    async with fake_media.open_answered_call() as call:
        for _ in range(100):
            with trio.move_on_after(0.1):
                await call.clear_send_audio_buffer()
            await trio.sleep(1)
        await trio.testing.wait_all_tasks_blocked()
        assert len(fake_media.commands) == 1 + 100
        assert len(call._core.commands._pending) < 20


async def test_a_flood_of_faults_is_bounded_and_keeps_the_end(
    fake_media: FakeMedia,
) -> None:
    fault = CallEvent("call.error", "TTS_SESSION_ERROR")
    handled, ended = [], []

    async def handler(call: ActiveCall) -> None:
        @call.on(events.CALL_ERROR)
        async def work_long(error: WSSCallFaultError) -> None:
            handled.append(error)
            await trio.sleep_forever()

        call.on(events.CALL_TERMINATED)(lambda: ended.append(call))
        await call.answer()
        await call.wait_disconnected()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake_media.run, handler)
        await fake_media.accept("call.answer")
        for _ in range(MAX_WAITING_EVENTS + 50):
            await fake_media.send(fault)
        await trio.testing.wait_all_tasks_blocked()
        assert len(handled) == MAX_WAITING_EVENTS
        await fake_media.terminate()
        await trio.testing.wait_all_tasks_blocked()
        assert len(ended) == 1


async def test_events_are_handled_again_when_their_handlers_have_room(
    fake_media: FakeMedia,
) -> None:
    handled = []
    async with fake_media.open_answered_call() as call:

        @call.on(events.CALL_ERROR)
        async def work(error: WSSCallFaultError) -> None:
            handled.append(error)
            await trio.sleep(1)

        await trio.testing.wait_all_tasks_blocked()
        for round_number in (1, 2):
            for _ in range(MAX_WAITING_EVENTS + 5):
                call._core.handlers.emit(events.CALL_ERROR, WSSCallFaultError("CODE", None))
            await trio.sleep(2)
            assert len(handled) == round_number * MAX_WAITING_EVENTS


async def test_of_many_thousand_offers_the_newest_wait_for_a_handler(
    exchange: FakeExchange, wire: WireName
) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        control = await exchange.control()
        with measured_growth() as growth:
            for number in range(OFFERS):
                tell_of(client, control, number)
            most = MAX_WAITING_OFFERS * OFFER_BYTES + NOTIFIED_BYTES[wire]
            assert growth.bytes_now() < most
        client.on(events.INCOMING_CALL)(Switchboard())
        claimed = {(await control.next_claim()).session_id for _ in range(1000)}
        oldest = OFFERS - MAX_WAITING_OFFERS
        assert claimed == {f"session {number}" for number in range(oldest, oldest + 1000)}


async def test_offers_that_nobody_answers_for_are_claimed_to_a_bound(
    exchange: FakeExchange, wire: WireName
) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        control = await exchange.control()
        client.on(events.INCOMING_CALL)(Switchboard())
        with measured_growth() as growth:
            for number in range(OFFERS):
                tell_of(client, control, number)
                if number % 1000 == 0:
                    await trio.testing.wait_all_tasks_blocked()
            most = MAX_WAITING_OFFERS * OFFER_BYTES + MAX_CLAIMS_AT_ONCE * 16 * KIB
            assert growth.bytes_now() < most + NOTIFIED_BYTES[wire]
        assert len(await control.rest()) == MAX_CLAIMS_AT_ONCE


async def test_the_answer_to_a_claim_makes_room_for_the_next(
    exchange: FakeExchange,
) -> None:
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        client.on(events.INCOMING_CALL)(switchboard)
        for number in range(MAX_CLAIMS_AT_ONCE + 2):
            tell_of(client, control, number)
        claims = [await control.next_claim() for _ in range(MAX_CLAIMS_AT_ONCE)]
        assert await control.rest() == []
        await control.send(control.words.refusal(claims[0]))
        await control.expect_claim(f"session {MAX_CLAIMS_AT_ONCE}")
        # A call that has come is no claim any more, however long it takes.
        await control.send(control.words.grant(claims[1]))
        if not control.words.gives_with_grant:
            await control.expect(SessionReady)
            assert await control.rest() == []
            await control.send(call_in(claims[1].session_id))
        await switchboard.next_call()
        await control.expect_claim(f"session {MAX_CLAIMS_AT_ONCE + 1}")


async def test_messages_that_make_no_sense_leave_nothing(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config(blocked_warning_seconds=None)) as client:
        control = await exchange.control()
        await control.send('{"type":"a.thing.of.tomorrow"}', "{")
        with measured_growth() as growth:
            for number in range(2000):
                await control.send(f'{{"type":"thing {number} of tomorrow"}}', f'{{"{number}')
            await trio.testing.wait_all_tasks_blocked()
            assert growth.bytes_now() < 4000 * 16
        assert client._incoming.control.invalid_messages == 2001


async def test_an_exchange_that_reads_nothing_is_given_up(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    open_stream = exchange.config().open_stream
    assert open_stream is not None
    pipes = Pipes(open_stream)
    async with open_call_client(exchange.config(open_stream=pipes)) as client:
        await exchange.control()
        pipes.opened[0].is_blocked = True
        await trio.testing.wait_all_tasks_blocked()
        message = SessionOpen("request", "session")
        client._incoming.control.send(message)
        await trio.testing.wait_all_tasks_blocked()  # the writer has it, and is stuck
        for _ in range(MAX_WAITING_MESSAGES):
            client._incoming.control.send(message)
        with pytest.raises(WSSConnectionError, match="does not read"):
            client._incoming.control.send(message)
        began = trio.current_time()
        await exchange.control()
        assert trio.current_time() - began < 3
    assert "the exchange does not read what it is sent; connecting again" in caplog.text
