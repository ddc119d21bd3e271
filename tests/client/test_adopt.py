"""A call that another process has claimed, served by this client as if it had been offered here."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import TOKEN, ringing_call
from tests.support.peers.exchange import SILENCE, FakeExchange, Switchboard, http
from tests.support.peers.links import MediaEnd
from tests.support.shown_locals import shown_locals
from tests.support.transports import on_one_transport
from trio_calls import (
    ActiveCall,
    AudioFormat,
    AudioMode,
    CallClient,
    CallState,
    EndCause,
    WSSCallClosedError,
    WSSMediaError,
    open_call_client,
)
from trio_calls.call.hand_over import hand_over_of
from trio_calls.sessions import HandOver, WSSHandOverError

pytestmark = on_one_transport

FORMAT = AudioFormat(8000, AudioMode.ISOLATED)


def handed_over(session: str = "s") -> HandOver:
    return hand_over_of(ringing_call(session), FORMAT)


class Adoption:
    """Adopts a call in a task of its own.

    Attributes:
      over: set when the client has returned from it.
    """

    def __init__(self, nursery: trio.Nursery, client: CallClient, session: str = "s") -> None:
        self.over = trio.Event()
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run, client, session)

    async def _run(self, client: CallClient, session: str) -> None:
        with self.scope:
            await client.adopt(handed_over(session))
            self.over.set()


@asynccontextmanager
async def adopted(exchange: FakeExchange) -> AsyncIterator[ActiveCall]:
    """Open a client, and have it adopt a call."""
    async with (
        exchange.open_client() as (client, _, switchboard),
        trio.open_nursery() as nursery,
    ):
        Adoption(nursery, client)
        yield await switchboard.next_call()


async def accept(exchange: FakeExchange, command: str) -> MediaEnd:
    media = await exchange.media()
    await media.accept(command)
    return media


async def test_it_is_served_like_any_other(exchange: FakeExchange) -> None:
    async with (
        exchange.open_client(sample_rate=16000) as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        adoption = Adoption(nursery, client)
        call = await switchboard.next_call()
        assert list(client.calls) == [call]
        assert (call.call_id, call.audio_format) == ("call of s", FORMAT)
        assert (call.caller_number, call.callee_number) == ("caller of s", "callee of s")
        media = await exchange.answer(call)
        assert media.authorization == f"Bearer {TOKEN}"
        assert await control.rest() == []
        assert not adoption.over.is_set()
        # Nothing but this connection tells of the end.
        await media.close()
        await trio.testing.wait_all_tasks_blocked()
        assert adoption.over.is_set()
        assert client.calls == ()


@pytest.mark.parametrize("kind", ["object", "text", "bytes"])
async def test_a_document_may_come_in_any_form(exchange: FakeExchange, kind: str) -> None:
    secret = handed_over()
    document: dict[str, HandOver | str | bytes] = {
        "object": secret,
        "text": secret.to_json(),
        "bytes": secret.to_json().encode(),
    }
    served: list[AudioFormat] = []

    async def handle(call: ActiveCall) -> None:
        served.append(call.audio_format)
        await call.close()

    async with open_call_client(exchange.config()) as client:
        await client.adopt(document[kind], handle)
    assert served == [FORMAT]


async def test_the_official_clients_has_the_format_of_this_client(exchange: FakeExchange) -> None:
    served: list[AudioFormat] = []

    async def handle(call: ActiveCall) -> None:
        served.append(call.audio_format)
        await call.close()

    async with open_call_client(exchange.config(sample_rate=16000)) as client:
        await client.adopt(handed_over().document, handle)
    assert served == [AudioFormat(16000, AudioMode.MIXED)]


@pytest.mark.parametrize(
    "document",
    ["", "{}", b"\xff", f'{{"session_token":"{TOKEN}"}}'],
    ids=["empty", "no key", "no text", "one key"],
)
async def test_a_document_that_cannot_be_used(
    exchange: FakeExchange, document: str | bytes
) -> None:
    async with exchange.open_client() as (client, _, switchboard):
        with pytest.raises(WSSHandOverError) as caught:
            await client.adopt(document)
        assert switchboard.calls == []
    assert TOKEN not in shown_locals(caught.value)


async def test_without_a_handler_it_is_not_taken(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config()) as client:
        with pytest.raises(ValueError, match="no handler"):
            await client.adopt(handed_over())
        assert client.calls == ()


@pytest.mark.parametrize("status", [401, 403, 404, 409, 410])
async def test_one_that_somebody_else_has_ends_quietly(
    exchange: FakeExchange, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[ActiveCall] = []

    async def handle(call: ActiveCall) -> None:
        calls.append(call)
        await call.answer()
        pytest.fail("it was answered")

    async with open_call_client(exchange.config()) as client:
        exchange.answers.append(http(status, "not for you"))
        await client.adopt(handed_over(), handle)
        assert trio.current_time() == 0
        (call,) = calls
        assert call.ending is not None
        assert call.ending.cause is EndCause.LOST
        assert f"HTTP {status}: not for you" in call.ending.detail
    # The control connection, and one attempt.
    assert len(exchange.attempts) == 2
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_who_waits_for_it_is_told_that_it_is_over(
    exchange: FakeExchange,
) -> None:
    async with adopted(exchange) as call:
        exchange.answers.append(http(409))
        with pytest.raises(WSSCallClosedError):
            await call.answer()
        assert call.state is CallState.DISCONNECTED
        await call.disconnect()


@pytest.mark.parametrize("answer", [http(503), OSError("no route"), b""])
async def test_a_failure_that_may_pass_is_tried_again(
    exchange: FakeExchange, answer: bytes | OSError
) -> None:
    async with adopted(exchange) as call:
        exchange.answers.extend([answer] * 4)
        media = await exchange.answer(call)
        assert trio.current_time() == 7.5
        await media.close()


async def test_one_that_does_not_pass_leaves_it_ringing(exchange: FakeExchange) -> None:
    async with adopted(exchange) as call:
        exchange.answers.extend([http(503)] * 5)
        with pytest.raises(WSSMediaError):
            await call.answer()
        assert call.state is CallState.PENDING
        media = await exchange.answer(call)
        await media.close()


async def test_a_place_that_says_nothing_is_tried_for_ten_seconds(exchange: FakeExchange) -> None:
    async with adopted(exchange) as call:
        exchange.answers.append(SILENCE)
        with pytest.raises(WSSMediaError):
            await call.answer()
        assert trio.current_time() == 10
        media = await exchange.answer(call)
        await media.close()


async def test_losing_the_control_connection_does_not_concern_it(
    exchange: FakeExchange,
) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        Adoption(nursery, client)
        call = await switchboard.next_call()
        await control.cut()
        renewed = await exchange.control()
        assert await renewed.rest() == []
        media = await exchange.answer(call)
        await media.close()


async def test_it_can_be_handed_over_once_more(exchange: FakeExchange) -> None:
    passed_on: list[HandOver] = []

    async def handle(call: ActiveCall) -> None:
        passed_on.append(await call.hand_over())

    async with open_call_client(exchange.config()) as client:
        await client.adopt(handed_over(), handle)
    assert passed_on == [handed_over()]


async def test_it_takes_room_and_gives_it_back(exchange: FakeExchange) -> None:
    async with (
        exchange.open_client(max_concurrent_calls=1) as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        Adoption(nursery, client)
        call = await switchboard.next_call()
        await control.offer("offered")
        assert await control.rest() == []
        await call.close()
        await control.grant("offered")


@pytest.mark.parametrize("seconds", [None, 10])
async def test_a_drain_waits_for_it(
    exchange: FakeExchange, seconds: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        exchange.open_client() as (client, _, switchboard),
        trio.open_nursery() as nursery,
    ):
        Adoption(nursery, client)
        media = await exchange.answer(await switchboard.next_call())
        if seconds is not None:
            nursery.start_soon(media.accept, "call.close")
        else:

            @nursery.start_soon
            async def hang_up() -> None:
                await trio.sleep(100)
                await media.close()

        await client.drain(seconds)
        assert trio.current_time() == (seconds or 100)
        with pytest.raises(WSSHandOverError, match="takes no new calls"):
            await client.adopt(handed_over("another"))
        nursery.cancel_scope.cancel()
    has_warned = any("the time to drain was over" in message for message in caplog.messages)
    assert has_warned is (seconds is not None)


async def test_the_end_of_the_clients_block_ends_it(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with trio.open_nursery() as nursery:
        async with exchange.open_client() as (client, _, switchboard):
            adoption = Adoption(nursery, client)
            call = await switchboard.next_call()
            media = await exchange.answer(call)
            nursery.start_soon(media.accept, "call.close")
        assert call.state is CallState.DISCONNECTED
        assert switchboard.held == 0
        await trio.testing.wait_all_tasks_blocked()
        assert adoption.over.is_set()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_its_own_cancellation_leaves_it_and_nothing_else(exchange: FakeExchange) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        trio.open_nursery() as nursery,
    ):
        adoption = Adoption(nursery, client)
        media = await exchange.answer(await switchboard.next_call())
        await control.ring("offered")
        offered = await switchboard.next_call()
        adoption.scope.cancel()
        await media.accept("call.close")
        await media.close()
        await trio.testing.wait_all_tasks_blocked()
        assert list(client.calls) == [offered]
        assert not adoption.over.is_set()


variable: ContextVar[str] = ContextVar("variable", default="unbound")


async def test_what_its_handler_binds_is_for_nobody_else(exchange: FakeExchange) -> None:
    seen: list[str] = []

    async def handle(call: ActiveCall) -> None:
        seen.append(variable.get())
        variable.set("bound by a handler")
        await call.close()

    async with open_call_client(exchange.config()) as client:
        variable.set("bound by who adopts")
        await client.adopt(handed_over("first"), handle)
        await client.adopt(handed_over("second"), handle)
        assert variable.get() == "bound by who adopts"
    assert seen == ["bound by who adopts"] * 2


class HandlerError(Exception):
    """What a handler of a test fails with."""


async def fail(call: ActiveCall) -> None:
    raise HandlerError


async def test_a_handler_that_fails_declines_it(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_call_client(exchange.config()) as client, trio.open_nursery() as nursery:
        nursery.start_soon(accept, exchange, "call.disconnect")
        await client.adopt(handed_over(), fail)
    assert "call call of s: its handler failed" in caplog.text


async def test_its_error_comes_to_who_has_adopted_it_if_asked_for(exchange: FakeExchange) -> None:
    async with open_call_client(exchange.config(crash_on_handler_error=True)) as client:
        with pytest.raises(ExceptionGroup) as caught:
            await client.adopt(handed_over(), fail)
        assert caught.group_contains(HandlerError, depth=None)
        assert client.calls == ()


async def test_handlers_that_fail_keep_offers_away_as_always(exchange: FakeExchange) -> None:
    switchboard = Switchboard()
    config = exchange.config(on_handler_failure="ring")
    async with open_call_client(config) as client:
        control = await exchange.control()
        client.on("incoming_call")(switchboard)
        for number in range(3):
            await client.adopt(handed_over(str(number)), fail)
        await control.offer("s")
        assert await control.rest() == []
        await trio.sleep(1)
        await control.grant("s")
