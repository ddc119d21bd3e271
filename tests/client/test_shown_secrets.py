"""No variable that a traceback shows holds a credential, whatever fails."""

import logging
from typing import Any

import pytest
import trio

from tests.support.peers.control_words import TOKEN, call_in
from tests.support.peers.exchange import (
    API_KEY,
    CONNECTOR_UUID,
    SILENCE,
    Answer,
    FakeExchange,
    http,
)
from tests.support.peers.one_call import CALL_IN, FakeMedia
from tests.support.shown_locals import shown_locals
from tests.support.wires import on_the_first_wire
from trio_calls import (
    ActiveCall,
    WSSCallClosedError,
    WSSCallCommandError,
    WSSConnectionError,
    WSSMediaError,
    events,
    open_call_client,
)
from trio_calls.call.lazy_media_connection import MAX_OPENINGS
from trio_calls.wire.codec import encode
from trio_calls.wire.responses import Response

SECRETS = (API_KEY, CONNECTOR_UUID, TOKEN)
FAILURES: list[Answer] = [
    http(401, f"no such key: {API_KEY}"),
    http(503),
    b"SSH-2.0\r\n\r\n",
    b"",
    SILENCE,
    OSError("no route"),
]


@pytest.mark.parametrize("answer", FAILURES)
async def test_a_connection_that_fails(exchange: FakeExchange, answer: Answer) -> None:
    exchange.answers.append(answer)
    with pytest.raises(WSSConnectionError) as caught:
        async with open_call_client(exchange.config()):
            pass
    shown = shown_locals(caught.value)
    assert "self = " in shown
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize("answer", FAILURES)
async def test_a_media_connection_that_fails(exchange: FakeExchange, answer: Answer) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        call = await switchboard.next_call()
        # On the second wire, what may pass is tried again.
        exchange.answers.extend([answer] * MAX_OPENINGS)
        # What the second wire refuses for good is over.
        with pytest.raises((WSSMediaError, WSSCallClosedError)) as caught:
            await call.answer()
    shown = shown_locals(caught.value)
    assert "self = " in shown
    assert not any(secret in shown for secret in SECRETS)


async def be_refused_with_a_call(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (_, control, switchboard):
        await control.ring("s")
        await switchboard.next_call()
        exchange.answers.append(http(401))
        await control.cut()
        await trio.sleep_forever()


async def test_a_final_refusal_after_a_call_came(exchange: FakeExchange) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await be_refused_with_a_call(exchange)
    shown = shown_locals(caught.value)
    assert not any(secret in shown for secret in SECRETS)


async def test_what_the_exchange_says_of_a_command(
    fake_media: FakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = (API_KEY, CONNECTOR_UUID, CALL_IN.token)
    forged = f"\x1b[2J\nERROR forged: {' '.join(secrets)}"
    told: list[Any] = []
    settings = {"api_key": API_KEY, "connector_uuid": CONNECTOR_UUID}
    async with fake_media.open_call(**settings) as call, trio.open_nursery() as nursery:
        call.on(events.CALL_ANSWER_FAILED)(told.append)

        async def answer() -> None:
            with pytest.raises(WSSCallCommandError) as caught:
                await call.answer()
            told.append(caught.value)

        nursery.start_soon(answer)
        command = await fake_media.receive_command("call.answer")
        await fake_media.fail(command, forged, forged)
        await trio.testing.wait_all_tasks_blocked()
    assert len(told) == 2
    for error in told:
        assert error.error_code == error.error_message == "[2JERROR forged: *** *** ***"
        assert str(error).isprintable()
        shown = shown_locals(error)
        assert not any(secret in shown + caplog.text for secret in secrets)


async def test_a_claim_refused_with_our_words(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with exchange.open_client() as (_, control, _):
        await control.offer("s")
        await control.refuse("s", f"NO\n{API_KEY}")
        await trio.sleep(1)
    assert "a call could not be claimed: NO***" in caplog.text


@on_the_first_wire
async def test_a_call_whose_name_forges_a_line(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(call: ActiveCall) -> None:
        raise ValueError("a fault of the handler")

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(handle)
        control = await exchange.control()
        await control.offer("s")
        claim = await control.expect_claim("s")
        granted = encode(call_in("s")).replace("call of s", r"c\u001b[2J\nERROR forged")
        await control.send(Response(claim.request_id, True), granted)
        media = await exchange.media()
        await media.accept("call.disconnect")
    messages = [record.getMessage() for record in caplog.records]
    assert any("c[2JERROR forged" in message for message in messages)
    assert all(message.isprintable() for message in messages)
