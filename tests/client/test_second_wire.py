"""A client on the exchange's second wire, frame by frame: it is offered a call, and talks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs
import pytest
import trio
import trio.testing

from tests.support.peers.control_words import TOKEN
from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.peers.links import ControlEnd, MediaEnd
from tests.support.peers.media_words import FirstWords
from tests.support.transports import on_one_transport
from trio_calls import (
    ActiveCall,
    CallClient,
    CallState,
    EndCause,
    WSSCallClosedError,
    events,
    open_call_client,
)
from trio_calls.audio import noise
from trio_calls.call.active_call import playout_of
from trio_calls.client import conversations
from trio_calls.sessions import Conversation
from trio_calls.simulator import Simulator
from trio_calls.voice import open_voice
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.audio_frame import AudioFrame, pack_frame, unpack_frame
from trio_calls.wire.second.codec import decode_control
from trio_calls.wire.second.control import (
    CallNotify,
    MessageIn,
    SessionClaim,
    SessionOpen,
    TriggerConditionsSetup,
)
from trio_calls.wire.second.media import Config, Flow

pytestmark = [on_one_transport, pytest.mark.parametrize("wire", ["second"])]

FRAME = 960


@pytest.fixture
def exchange(exchange: FakeExchange) -> FakeExchange:
    """Says nothing by itself on media connections: the tests send each frame."""
    exchange.media_words = FirstWords
    return exchange


NOTIFY = CallNotify("call-1", "+65 6222 0000", "+65 9111 0000")

MessageT = TypeVar("MessageT")


async def expect(control: ControlEnd, message_class: type[MessageT]) -> MessageT:
    frame = await control.receive()
    assert isinstance(frame, str)
    message = decode_control(frame)
    assert isinstance(message, message_class), message
    return message


async def grant(control: ControlEnd, request_id: str, **content: Any) -> None:
    await control.send(Response(request_id, is_ok=True, content=content))


async def ring(control: ControlEnd, notify: CallNotify = NOTIFY) -> None:
    """Tell of a call, and let the client have it."""
    await control.send(encode(notify))
    opened = await expect(control, SessionOpen)
    assert opened.subscriber == notify.subscriber
    await grant(control, opened.request_id, created=True)
    claimed = await expect(control, SessionClaim)
    assert (claimed.session_id, claimed.call_id) == (opened.session_id, notify.call_id)
    await grant(control, claimed.request_id, url="ws://exchange/media", token=TOKEN)


@asynccontextmanager
async def open_client(
    exchange: FakeExchange, **settings: Any
) -> AsyncIterator[tuple[CallClient, ControlEnd, Switchboard]]:
    async with exchange.open_client(**settings) as opened:
        yield opened


@asynccontextmanager
async def talking(exchange: FakeExchange) -> AsyncIterator[tuple[ActiveCall, MediaEnd]]:
    """A call that was answered, and may send 60 ms."""
    async with open_client(exchange) as (_, control, switchboard):
        await ring(control)
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        await media.send(encode(Config(20)), encode(Flow(drained_ms=0, window_ms=60)))
        yield call, media


async def sent(media: MediaEnd) -> bytes:
    """The PCM of all that has come and was not looked at yet."""
    frames = [frame for frame in await media.rest() if isinstance(frame, bytes)]
    return b"".join(unpack_frame(frame).pcm for frame in frames)


async def test_the_exchange_is_asked_for_the_second_wire(exchange: FakeExchange) -> None:
    async with open_client(exchange) as (_, control, _):
        assert json.loads(control.setup)["data"]["mediaProtocolVersion"] == 2
        assert exchange.requests[0][1]["x-sdk-client"] == "python/1.0.0b8"


async def test_a_call_is_offered_claimed_and_answered(exchange: FakeExchange) -> None:
    async with talking(exchange) as (call, media):
        assert call.state is CallState.ANSWERED
        assert (call.call_id, call.caller_number) == ("call-1", "+65 9111 0000")
        assert call.callee_number == "+65 6222 0000"
        assert media.authorization == f"Bearer {TOKEN}"


async def test_speech_goes_out_as_far_as_the_window_reaches(exchange: FakeExchange) -> None:
    speech = noise(0.2, 24000, 1)
    async with talking(exchange) as (call, media):
        await call.send_audio(speech)
        heard = await sent(media)
        assert heard == speech[: 3 * FRAME]
        await media.send(encode(Flow(drained_ms=60, window_ms=60)))
        heard += await sent(media)
        assert heard == speech[: 6 * FRAME]
        await media.send(encode(Flow(drained_ms=120, window_ms=1000)))
        heard += await sent(media)
        assert heard == speech
        await call.wait_audio_sent()


async def test_what_was_played_is_known(exchange: FakeExchange) -> None:
    """The exchange takes a second of speech, and plays it ten seconds later."""
    async with talking(exchange) as (call, media), trio.open_nursery() as nursery:
        playout = playout_of(call)
        await media.send(encode(Flow(drained_ms=0, window_ms=5000)))
        await call.send_audio(noise(1, 24000, 1))
        assert len(await sent(media)) == 50 * FRAME
        nursery.start_soon(call.close)
        await trio.sleep(2)
        assert playout.heard_position() <= 6 * FRAME
        assert call.state is CallState.ANSWERED
        await media.send(encode(Flow(drained_ms=500, window_ms=5000)))
        await trio.testing.wait_all_tasks_blocked()
        assert playout.heard_position() == pytest.approx(25 * FRAME, abs=2)
        assert await media.rest() == []
        await media.send(encode(Flow(drained_ms=1000, window_ms=5000)))
        await media.accept("call.close")


async def test_what_is_said_later_was_not_played(exchange: FakeExchange) -> None:
    """The exchange says that it has played a second, before anything was said."""
    async with talking(exchange) as (call, media), open_voice(call) as voice:
        await media.send(encode(Flow(drained_ms=1000, window_ms=60)))
        await trio.testing.wait_all_tasks_blocked()
        reply = voice.speech(noise(1, 24000, 1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reply.say)
            assert len(await sent(media)) == 50 * FRAME
            # Less than before: this is what it has played in earnest.
            await trio.sleep(0.05)
            await media.send(encode(Flow(drained_ms=40, window_ms=1000)))
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert reply.outcome is not None
        assert reply.outcome.heard_seconds == pytest.approx(0.04, abs=0.001)


async def test_who_leaves_waits_for_what_is_not_played(exchange: FakeExchange) -> None:
    """However much the exchange has said that it has played before it was sent."""
    async with talking(exchange) as (call, media), trio.open_nursery() as nursery:
        await media.send(encode(Flow(drained_ms=1000, window_ms=60)))
        await trio.testing.wait_all_tasks_blocked()
        await call.send_audio(noise(1, 24000, 1))
        assert len(await sent(media)) == 50 * FRAME
        nursery.start_soon(call.close)
        await media.send(encode(Flow(drained_ms=40, window_ms=1000)))
        await trio.sleep(2)
        assert await media.rest() == []
        await media.send(encode(Flow(drained_ms=1000, window_ms=1000)))
        await media.accept("call.close")


async def test_the_end_of_speech_is_sent_as_it_is(exchange: FakeExchange) -> None:
    """As a short frame, once nothing has followed it for a frame's time."""
    async with talking(exchange) as (call, media):
        first, second = noise(0.03, 24000, 1)[:-2], noise(0.02, 24000, 2)
        await call.send_audio(first)
        assert await sent(media) == first[:FRAME]
        await trio.sleep(0.019)
        assert await sent(media) == b""
        await trio.sleep(0.002)
        assert await sent(media) == first[FRAME:]
        await call.send_audio(second)
        (frame,) = await media.rest()
        assert isinstance(frame, bytes)
        assert unpack_frame(frame) == AudioFrame(0, 2, 29, second)


async def test_what_is_less_than_a_millisecond_is_not_waited_for(exchange: FakeExchange) -> None:
    """What is said lasts 10.4 ms, and the exchange counts whole ones."""
    async with open_client(exchange, send_buffer_bytes=500) as (_, control, switchboard):
        await ring(control)
        call = await switchboard.next_call()
        media = await exchange.answer(call)
        await media.send(encode(Config(20)), encode(Flow(drained_ms=0, window_ms=60)))
        await call.send_audio(noise(0.02, 24000, 1)[:500])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.close)
            assert len(await sent(media)) == 500
            await media.send(encode(Flow(drained_ms=10, window_ms=60)))
            began = trio.current_time()
            await media.accept("call.close")
            assert trio.current_time() - began < 0.1


@pytest.mark.parametrize("rate", [8000, 16000])
async def test_the_end_of_a_whisper_is_not_barged(simulator: Simulator, rate: int) -> None:
    """The exchange is done with it, and has yet to convert it to the telephones' rate."""
    is_over = trio.Event()

    async def whisper(call: ActiveCall) -> None:
        await call.connect()
        await call.whisper()
        await call.send_audio(noise(0.1, rate, 1))
        await call.barge()
        await trio.sleep(0.2)
        is_over.set()

    async with open_call_client(attrs.evolve(simulator.config, sample_rate=rate)) as client:
        client.on(events.INCOMING_CALL)(whisper)
        call = simulator.place_call()
        await is_over.wait()
        assert not any(call.caller.heard)
        assert any(call.callee.heard)
        simulator.end_all_calls()


async def test_the_other_side_is_heard(exchange: FakeExchange) -> None:
    speech = noise(0.04, 24000, 2)
    async with talking(exchange) as (call, media):
        stream = call.audio_stream()
        await media.send(pack_frame(0, 0, 0, speech[:FRAME]), pack_frame(0, 1, 20, speech[FRAME:]))
        assert await anext(stream) + await anext(stream) == speech


async def test_an_ended_call_ends_here(exchange: FakeExchange) -> None:
    async with talking(exchange) as (call, media):
        await media.send(CallEvent("call.terminated"))
        await call.wait_disconnected()
        assert call.ending is not None


async def test_a_call_outlives_the_control_connection_it_came_on(exchange: FakeExchange) -> None:
    async with open_client(exchange) as (_, control, switchboard):
        await ring(control)
        call = await switchboard.next_call()
        await control.cut()
        renewed = await exchange.control()
        assert await renewed.rest() == []
        media = await exchange.answer(call)
        assert media.authorization == f"Bearer {TOKEN}"
        assert call.state is CallState.ANSWERED


async def test_who_was_too_late_hears_it_with_the_first_command(exchange: FakeExchange) -> None:
    async with open_client(exchange) as (_, control, switchboard):
        await ring(control)
        call = await switchboard.next_call()
        exchange.answers.append(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        began = trio.current_time()
        with pytest.raises(WSSCallClosedError):
            await call.answer()
        assert trio.current_time() == began
        assert call.ending is not None
        assert call.ending.cause is EndCause.LOST


@pytest.mark.parametrize("code", ["CALL_NOT_FOUND", "QUOTA_EXCEEDED"])
async def test_a_call_that_cannot_be_had_leaves_room(exchange: FakeExchange, code: str) -> None:
    async with open_client(exchange, max_concurrent_calls=1) as (_, control, switchboard):
        await control.send(encode(CallNotify("call-0", "+65 6222 0000")))
        opened = await expect(control, SessionOpen)
        if code == "CALL_NOT_FOUND":
            await grant(control, opened.request_id, created=True)
            opened_claim = await expect(control, SessionClaim)
            request_id = opened_claim.request_id
        else:
            request_id = opened.request_id
        await control.send(Response(request_id, is_ok=False, error_code=code))
        await ring(control)
        assert (await switchboard.next_call()).call_id == "call-1"


def written(number: int) -> str:
    """A message of somebody who has not written before."""
    content = {"text": {"body": str(number)}}
    return encode(MessageIn(f"id-{number}", "+65 6222 0000", f"+65 {number}", "WA", content))


class Reader:
    """A handler of messages that reads one of each conversation."""

    def __init__(self, client: CallClient) -> None:
        self.read: list[str] = []
        client.on(events.INCOMING_MESSAGE)(self)

    async def __call__(self, conversation: Conversation) -> None:
        message = await anext(conversation)
        self.read.append(message.content["text"]["body"])


async def let_it_be_opened(control: ControlEnd) -> None:
    opened = await expect(control, SessionOpen)
    await grant(control, opened.request_id, created=True)
    await trio.testing.wait_all_tasks_blocked()


async def test_what_is_written_in_the_first_breath_is_read(exchange: FakeExchange) -> None:
    exchange.greeting.append(written(1))
    async with open_client(exchange) as (client, control, _):
        reader = Reader(client)
        await let_it_be_opened(control)
        assert reader.read == ["1"]


async def test_what_is_written_before_the_setup_is_done_is_dropped(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.finishes_setup = False
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def finish_setup() -> None:
            control = await exchange.control()
            await control.send(written(1), SetupDone("connection-1"))

        async with open_call_client(exchange.config()) as client:
            reader = Reader(client)
            await trio.testing.wait_all_tasks_blocked()
            assert reader.read == []
    assert "messages were dropped, 1 so far" in caplog.text


async def test_what_was_written_outlives_the_control_connection(exchange: FakeExchange) -> None:
    """Whom it was given to has it: nobody else will be."""
    async with open_client(exchange) as (client, control, _):
        reader = Reader(client)
        await control.send(written(1))
        await expect(control, SessionOpen)
        await control.cut()
        await let_it_be_opened(await exchange.control())
        assert reader.read == ["1"]


async def test_a_flood_of_partners_is_bounded(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conversations, "MAX_SESSIONS", 3)
    async with open_client(exchange) as (client, control, _):
        reader = Reader(client)
        for number in range(5):
            await control.send(written(number))
            await let_it_be_opened(control)
        assert reader.read == list("01234")
        # And nobody is let in for whom the exchange does not answer.
        await control.send(*map(written, range(5, 20)))
        assert len(await control.rest()) == 3
    assert "messages were dropped, 8 so far" in caplog.text


async def test_what_is_out_of_date_holds_nobody_up(exchange: FakeExchange) -> None:
    """An offer holds for 10 s, and is repeated after that or not."""
    async with open_client(exchange, max_concurrent_calls=1) as (_, control, switchboard):
        await ring(control, CallNotify("call-0", "+65 6222 0000"))
        call = await switchboard.next_call()
        for name in ("repeated", "over", "over, too"):
            await control.send(encode(CallNotify(name, "+65 6222 0000")))
        await trio.sleep(11)
        await control.send(encode(CallNotify("repeated", "+65 6222 0000")))
        await control.send(encode(CallNotify("new", "+65 6222 0000")))
        await trio.testing.wait_all_tasks_blocked()
        await call.close()
        claimed = []
        for _ in range(2):
            opened = await expect(control, SessionOpen)
            await grant(control, opened.request_id, created=True)
            claim = await expect(control, SessionClaim)
            claimed.append(claim.call_id)
            await control.send(Response(claim.request_id, is_ok=False, error_code="CALL_NOT_FOUND"))
        assert claimed == ["repeated", "new"]
        assert await control.rest() == []


async def test_what_is_to_be_offered_is_said(exchange: FakeExchange) -> None:
    async with open_client(exchange) as (client, control, _), trio.open_nursery() as nursery:

        @nursery.start_soon
        async def set_it() -> None:
            await client.set_call_flow(
                inbound_calls="missed_only",
                outbound_calls=False,
                inbound_messages=True,
                outbound_messages=False,
            )

        asked = await expect(control, TriggerConditionsSetup)
        assert (asked.inbound_calls, asked.inbound_messages) == ("MISSED_ONLY", True)
        await grant(control, asked.request_id)
