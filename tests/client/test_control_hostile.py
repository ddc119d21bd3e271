"""Whatever an exchange says on the control connection: the client goes on."""

import logging

import pytest
import trio

from tests.support.peers.exchange import FakeExchange, Switchboard
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import CallClient, events, open_call_client
from trio_calls.wire.first.control import SessionClosed, SessionReady, Setup

SECRET = "what-the-frame-held"

GARBAGE: list[str | bytes] = [
    "",
    SECRET,
    "{",
    "[]",
    "null",
    f'"{SECRET}"',
    "[" * 5000,
    '{"type":7}',
    '{"type":null}',
    f'{{"sessionId":"{SECRET}"}}',
    '{"type":"session.notify"}',
    '{"type":"session.notify","sessionId":7,"channel":"TELCO","activity":"NEW_INCOMING_CALL"}',
    '{"type":"session.notify","sessionId":"s","channel":true,"activity":"NEW_INCOMING_CALL"}',
    '{"type":"session.notify","sessionId":"s","channel":"TELCO","createdAt":NaN}',
    '{"type":"session.notify","sessionId":"s","channel":"TELCO","createdAt":1e999}',
    f'{{"type":"session.notify","sessionId":"{"s" * 600}","channel":"TELCO"}}',
    '{"type":"setup.done"}',
    '{"type":"setup.done","smWsId":["x"]}',
    '{"type":"response","reqId":"r","ok":"true"}',
    '{"type":"response","reqId":"r"}',
    '{"type":"call.in","sessionId":"s"}',
    f'{{"type":"call.in","sessionId":"s","callId":"{SECRET}","from":1,"to":"t","url":"u"}}',
    '{"type":"session.closed","sessionId":{}}',
    "\x00\x01",
    b"",
    b"\x00\x01\x02",
    SECRET.encode(),
]

#: Of the second wire, beside what is garbage on either.
SECOND_GARBAGE: list[str] = [
    '{"type":"call.notify"}',
    '{"type":"call.notify","txnUuid":"c"}',
    '{"type":"call.notify","txnUuid":7,"subscriber":"+1"}',
    '{"type":"call.notify","txnUuid":"","subscriber":["+1"]}',
    f'{{"type":"call.notify","txnUuid":"{"c" * 600}","subscriber":"+1"}}',
    f'{{"type":"call.notify","txnUuid":["{SECRET}"],"subscriber":"+1","participant":"+2"}}',
    '{"type":"call.notify","txnUuid":"c","subscriber":"+1","channel":true}',
    f'{{"type":"msg.in","id":"m","subscriber":"+1","participant":"+2","payload":"{SECRET}"}}',
    '{"type":"msg.in","id":7,"subscriber":"+1","participant":"+2","channel":"WA","payload":{}}',
    '{"type":"response","reqId":7,"ok":true}',
]

IGNORED: list[str] = [
    '{"type":"a.thing.of.tomorrow","sessionId":7}',
    '{"type":""}',
    '{"type":"response","reqId":"nobody waits for it","ok":true}',
    '{"type":"response","reqId":"","ok":false,"errorCode":"FORBIDDEN"}',
    '{"type":"call.in","sessionId":"unknown","callId":"c","from":"1","to":"2","url":"u","token":"t"}',
    '{"type":"session.closed","sessionId":"unknown"}',
    '{"type":"session.open","reqId":"r","sessionId":"s","subscriber":"+1"}',
]


async def still_serves(client: CallClient, exchange: FakeExchange) -> None:
    switchboard = Switchboard()
    client.on(events.INCOMING_CALL)(switchboard)
    control = await exchange.control()
    await control.ring("good")
    assert (await switchboard.next_call()).call_id == "call of good"
    assert len(exchange.attempts) == 1


@on_the_first_wire
@pytest.mark.parametrize("frame", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_counted_and_logged_without_its_content(
    exchange: FakeExchange, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await check_garbage(exchange, frame, caplog)


@on_the_second_wire
@pytest.mark.parametrize("frame", SECOND_GARBAGE, ids=range(len(SECOND_GARBAGE)))
async def test_garbage_of_the_second_wire(
    exchange: FakeExchange, frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    await check_garbage(exchange, frame, caplog)


async def check_garbage(
    exchange: FakeExchange, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, and logged without its content, and what comes next is acted on."""
    caplog.set_level(logging.DEBUG, "trio_calls")
    exchange.greeting = ['{"type":"harmless"}']
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        await control.send(frame, exchange.words.offer("good"))
        assert await control.rest() == []
        assert client._incoming.control.invalid_messages == 1
        client.on(events.INCOMING_CALL)(Switchboard())
        await control.grant("good")
    assert SECRET not in caplog.text
    assert len(exchange.attempts) == 1


@pytest.mark.parametrize("frame", IGNORED)
async def test_what_means_nothing_here_is_ignored(
    exchange: FakeExchange, frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.greeting = [frame]
    async with open_call_client(exchange.config()) as client:
        await still_serves(client, exchange)
        assert client._incoming.control.invalid_messages == 0
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []


@on_the_first_wire
async def test_frames_that_only_an_sdk_sends_are_ignored(exchange: FakeExchange) -> None:
    exchange.greeting = [Setup(8000, "mixed"), SessionReady("s"), SessionClosed("s")]
    async with open_call_client(exchange.config()) as client:
        await still_serves(client, exchange)


async def test_a_flood_of_garbage_is_survived(exchange: FakeExchange) -> None:
    exchange.greeting = ["not JSON"] * 3000
    async with open_call_client(exchange.config()) as client:
        await still_serves(client, exchange)
        assert client._incoming.control.invalid_messages == 3000


async def test_a_response_that_comes_twice_counts_once(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.offer("s")
        claim = await control.expect_claim("s")
        refusal = exchange.words.refusal(claim)
        await control.send(exchange.words.grant(claim), refusal, refusal)
        await control.deliver(claim)
        await switchboard.next_call()
        assert await control.rest() == []


async def test_too_long_a_frame_costs_the_connection_only(
    exchange: FakeExchange,
) -> None:
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(switchboard)
        await (await exchange.control()).send("x" * (2**20 + 1))
        control = await exchange.control()
        await control.ring("s")
        await switchboard.next_call()


async def test_offers_without_end_do_not_fill_the_memory(
    exchange: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.client.offer_queue.MAX_WAITING_OFFERS", 10)
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        control = await exchange.control()
        await control.offer(*(f"session {number}" for number in range(100)))
        await trio.testing.wait_all_tasks_blocked()
        client.on(events.INCOMING_CALL)(switchboard)
        await control.grant(*(f"session {number}" for number in range(90, 100)))
        assert await control.rest() == []
