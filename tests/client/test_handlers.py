"""The handler of incoming calls: one for each client, of any kind, and free to fail."""

import functools
import logging
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.peers.control_words import TOKEN
from tests.support.peers.exchange import API_KEY, CONNECTOR_UUID, FakeExchange, Switchboard
from trio_calls import ActiveCall, CallState, events, open_call_client, serve_calls

pytestmark = pytest.mark.slow


class HandlerError(Exception):
    """What a handler raises."""


@pytest.mark.parametrize("event", [events.CALL_ANSWERED, "no_such_event", ""])
async def test_a_client_has_one_event_only(exchange: FakeExchange, event: str) -> None:
    async with open_call_client(exchange.config()) as client:
        with pytest.raises(ValueError, match=r"events\.INCOMING_CALL"):
            client.on(event)


async def test_every_call_is_served_by_exactly_one_handler(exchange: FakeExchange) -> None:
    first, second = Switchboard(), Switchboard()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(first)
        with pytest.raises(ValueError, match="handler already"):
            client.on(events.INCOMING_CALL)(second)
        await (await exchange.control()).ring("s")
        await first.next_call()
    assert second.calls == []


async def test_a_decorated_handler_stays_what_it_was(exchange: FakeExchange) -> None:
    handler = Switchboard()
    async with open_call_client(exchange.config()) as client:
        assert client.on(events.INCOMING_CALL)(handler) is handler


class Kinds:
    """Handlers of every kind; each notes its call."""

    def __init__(self) -> None:
        self.calls: list[ActiveCall] = []

    def plain(self, call: ActiveCall) -> None:
        self.calls.append(call)

    async def asynchronous(self, call: ActiveCall) -> None:
        self.calls.append(call)

    async def __call__(self, call: ActiveCall) -> None:
        self.calls.append(call)

    async def with_settings(self, greeting: str, call: ActiveCall) -> None:
        assert greeting == "hello"
        self.calls.append(call)


@pytest.mark.parametrize("kind", ["plain", "asynchronous", "partial", "callable"])
async def test_handlers_are_of_any_kind(exchange: FakeExchange, kind: str) -> None:
    kinds = Kinds()
    handlers: dict[str, Any] = {
        "plain": kinds.plain,
        "asynchronous": kinds.asynchronous,
        "partial": functools.partial(kinds.with_settings, "hello"),
        "callable": kinds,
    }
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_calls, handlers[kind], exchange.config())
        await (await exchange.control()).ring("s")
        await trio.testing.wait_all_tasks_blocked()
        assert [call.call_id for call in kinds.calls] == ["call of s"]
        nursery.cancel_scope.cancel()


async def test_calls_are_served_at_the_same_time(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, switchboard):
        await control.ring(*(f"session-{number}" for number in range(50)))
        await trio.testing.wait_all_tasks_blocked()
        assert switchboard.held == len(client.calls) == 50


async def test_a_handler_that_fails_is_logged_and_the_others_go_on(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    switchboard = Switchboard()

    async def handler(call: ActiveCall) -> None:
        if "bad" in call.call_id:
            raise HandlerError("the reason")
        await switchboard(call)

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(handler)
        control = await exchange.control()
        await control.ring("good", "bad")
        call = await switchboard.next_call()
        await (await exchange.media()).accept("call.disconnect")
        await trio.testing.wait_all_tasks_blocked()
        assert client.calls == (call,)
        await control.ring("next")
        await switchboard.next_call()
        assert call.state is CallState.PENDING
    [error] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "call of bad" in error.message
    assert error.exc_info is not None
    assert isinstance(error.exc_info[1], HandlerError)


async def test_an_answered_call_whose_handler_fails_is_left(exchange: FakeExchange) -> None:
    async def handler(call: ActiveCall) -> None:
        await call.answer()
        raise HandlerError

    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(handler)
        await (await exchange.control()).ring("s")
        media = await exchange.media()
        await media.accept("call.answer")
        await media.accept("call.close")
        await media.over.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert client.calls == ()


async def test_a_crashing_handler_may_end_the_client_and_its_calls(
    exchange: FakeExchange,
) -> None:
    switchboard = Switchboard()

    async def handler(call: ActiveCall) -> None:
        if "bad" in call.call_id:
            raise HandlerError
        await call.answer()
        await switchboard(call)

    config = exchange.config(crash_on_handler_error=True, max_concurrent_calls=2)
    with pytest.RaisesGroup(HandlerError, flatten_subgroups=True):
        async with open_call_client(config) as client:
            client.on(events.INCOMING_CALL)(handler)
            control = await exchange.control()
            await control.ring("good")
            media = await exchange.media()
            await media.accept("call.answer")
            call = await switchboard.next_call()
            await control.offer("bad", "one that waits for room")
            await control.grant("bad")
            await trio.sleep_forever()
    await media.expect_command("call.close")
    await control.over.wait()
    assert call.state is CallState.DISCONNECTED
    assert await control.rest() == []


async def test_a_hangup_frees_the_place_when_the_handler_has_finished(
    exchange: FakeExchange,
) -> None:
    async def handler(call: ActiveCall) -> None:
        await trio.sleep(7)

    async with open_call_client(exchange.config(max_concurrent_calls=1)) as client:
        client.on(events.INCOMING_CALL)(handler)
        control = await exchange.control()
        await control.ring("first")
        await trio.testing.wait_all_tasks_blocked()
        await client.calls[0].close()
        await control.offer("second")
        await control.expect_claim("second")
        assert trio.current_time() == 7


async def test_a_client_shows_where_it_is_connected_and_no_secret(
    exchange: FakeExchange,
) -> None:
    switchboard = Switchboard()
    async with open_call_client(exchange.config()) as client:
        assert repr(client) == "<CallClient of ws://exchange, 0 calls>"
        client.on(events.INCOMING_CALL)(switchboard)
        control = await exchange.control()
        await control.ring("s")
        call = await switchboard.next_call()
        assert repr(client) == "<CallClient of ws://exchange, 1 calls>"
        for secret in (API_KEY, CONNECTOR_UUID, TOKEN):
            assert secret not in repr(client) + repr(call) + repr(client._incoming.offers.sessions)
