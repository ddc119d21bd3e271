"""A call that was neither answered nor declined: its caller must not ring for ever."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from tests.support.peers.control_words import call_in
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.links import ControlEnd
from tests.support.wires import on_the_first_wire, on_the_second_wire
from trio_calls import ActiveCall, CallClient, CallState, events, open_call_client
from trio_calls.wire.first.control import SessionClosed, SessionReady

DOWN = OSError("down")


class Handler:
    """Answers a call, or fails with what that raises.

    Attributes:
      calls: that it was called with.
    """

    def __init__(self) -> None:
        self.calls: list[ActiveCall] = []

    async def __call__(self, call: ActiveCall) -> None:
        self.calls.append(call)
        await call.answer()
        await call.wait_disconnected()


@asynccontextmanager
async def unopened_call(
    exchange: FakeExchange,
) -> AsyncIterator[tuple[CallClient, ControlEnd, Handler]]:
    """Give a client a call whose media connection it cannot open."""
    handler = Handler()
    async with open_call_client(exchange.config()) as client:
        client.on(events.INCOMING_CALL)(handler)
        control = await exchange.control()
        exchange.answers.extend([DOWN] * 100)
        await control.ring("s")
        yield client, control, handler


async def test_what_cannot_be_declined_is_served_again(exchange: FakeExchange) -> None:
    await check_served_again(exchange, is_busy=False)


@on_the_first_wire
async def test_so_is_what_this_client_is_said_to_have(exchange: FakeExchange) -> None:
    """Some exchanges may say so to whoever holds it already."""
    await check_served_again(exchange, is_busy=True)


async def check_served_again(exchange: FakeExchange, *, is_busy: bool) -> None:
    async with unopened_call(exchange) as (_, control, handler):
        if is_busy:
            await control.refuse("s", "SESSION_BUSY", control.connection_id)
            await control.expect(SessionReady)
            await control.send(call_in("s"))
        else:
            await control.grant("s")
        assert trio.current_time() < 60
        exchange.answers.clear()
        media = await exchange.media()
        await media.accept("call.answer")
        await trio.testing.wait_all_tasks_blocked()
        first, second = handler.calls
        assert first.state is CallState.DISCONNECTED
        assert second.state is CallState.ANSWERED


@on_the_second_wire
async def test_unless_it_is_not_to_be_found(exchange: FakeExchange) -> None:
    async with unopened_call(exchange) as (client, control, handler):
        await control.refuse("s")
        await trio.sleep(100)
        assert await control.rest() == []
        assert len(handler.calls) == 1
        assert client.calls == ()


@on_the_first_wire
async def test_unless_its_caller_has_hung_up(exchange: FakeExchange) -> None:
    async with unopened_call(exchange) as (client, control, handler):
        await trio.sleep(5)
        await control.send(SessionClosed("s"))
        await trio.sleep(100)
        assert await control.rest() == []
        assert len(handler.calls) == 1
        assert client.calls == ()
