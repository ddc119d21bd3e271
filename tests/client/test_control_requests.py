"""Requests on the control connection, and what becomes of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio

from tests.support.peers.exchange import SILENCE, FakeExchange
from tests.support.peers.links import ControlEnd
from tests.support.wires import on_the_first_wire
from trio_calls import WSSConnectionError
from trio_calls.client.control_connection import ControlConnection
from trio_calls.transport import WebSocketClosed
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.control_wire import News
from trio_calls.wire.first.control import SessionOpen, SessionReady
from trio_calls.wire.first.control_wire import FirstControl
from trio_calls.wire.responses import Response, SetupDone

pytestmark = on_the_first_wire


class Listener:
    """Notes what it is told.

    Attributes:
      received: the messages, in order.
      changes: "stands" and "lost", in order.
    """

    def __init__(self) -> None:
        self.received: list[News] = []
        self.changes: list[str] = []

    def control_received(self, message: News) -> None:
        self.received.append(message)

    def control_connected(self) -> None:
        self.changes.append("stands")

    def control_lost(self) -> None:
        self.changes.append("lost")


def claim(request_id: str) -> SessionOpen:
    return SessionOpen(request_id, "s")


@asynccontextmanager
async def open_connection(
    exchange: FakeExchange, listener: Listener
) -> AsyncIterator[tuple[ControlConnection, ControlEnd]]:
    config = exchange.config()
    connection = ControlConnection(config, ClientTLS(config), FirstControl(), listener)
    async with trio.open_nursery() as nursery:
        await nursery.start(connection.run)
        try:
            yield connection, await exchange.control()
        finally:
            connection.stop()


async def test_every_request_gets_its_own_response(exchange: FakeExchange) -> None:
    listener = Listener()
    responses = {}
    async with open_connection(exchange, listener) as (connection, control):

        async def ask(name: str) -> None:
            responses[name] = await connection.request(
                lambda request_id: SessionOpen(request_id, name)
            )

        async with trio.open_nursery() as nursery:
            for name in ("a", "b", "c"):
                nursery.start_soon(ask, name)
            claims = [await control.expect(SessionOpen) for _ in range(3)]
            assert len({claim.request_id for claim in claims}) == 3
            for claimed in reversed(claims):
                await control.send(
                    Response(claimed.request_id, is_ok=True, content=claimed.session_id)
                )
    assert {name: response.content for name, response in responses.items()} == {
        "a": "a",
        "b": "b",
        "c": "c",
    }
    assert listener.received == []


@pytest.mark.parametrize("seconds", [0, 29, 31, 59])
async def test_a_response_may_be_late(exchange: FakeExchange, seconds: float) -> None:
    async with (
        open_connection(exchange, Listener()) as (connection, control),
        trio.open_nursery() as nursery,
    ):

        @nursery.start_soon
        async def respond() -> None:
            asked = await control.expect(SessionOpen)
            await trio.sleep(seconds)
            await control.send(Response(asked.request_id, is_ok=True))

        assert (await connection.request(claim)).is_ok
        assert trio.current_time() == seconds


async def test_an_unanswered_request_ends_its_connection_after_60_s(
    exchange: FakeExchange, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    async with open_connection(exchange, listener) as (connection, control):
        with pytest.raises(WSSConnectionError, match="did not answer"):
            await connection.request(claim)
        assert trio.current_time() == 60
        assert listener.changes == ["stands", "lost"]
        with pytest.raises(WSSConnectionError, match="no connection"):
            connection.send(SessionReady("s"))

        unanswered = await control.expect(SessionOpen)
        with suppress(WebSocketClosed):
            await control.send(
                Response(unanswered.request_id, is_ok=True), SetupDone("a second time")
            )
        await control.over.wait()
        assert listener.changes == ["stands", "lost"]
        newer = await exchange.control()
        assert await newer.rest() == []
        assert connection.connection_id == newer.connection_id
    assert "did not answer a request for 60 s; connecting again" in caplog.text


async def test_many_unanswered_requests_end_one_connection(
    exchange: FakeExchange,
) -> None:
    listener = Listener()
    async with open_connection(exchange, listener) as (connection, _):

        async def ask() -> None:
            with pytest.raises(WSSConnectionError):
                await connection.request(claim)

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
        await exchange.control()
        await trio.sleep(100)
    assert listener.changes == ["stands", "lost", "stands", "lost"]


async def test_a_response_to_a_request_that_was_cancelled_is_ignored(
    exchange: FakeExchange,
) -> None:
    listener = Listener()
    async with open_connection(exchange, listener) as (connection, control):
        with trio.move_on_after(1):
            await connection.request(claim)
        cancelled = await control.expect(SessionOpen)
        await control.send(Response(cancelled.request_id, is_ok=True))
        assert await control.rest() == []
        assert listener.received == []


async def test_a_request_fails_as_soon_as_its_connection_is_lost(exchange: FakeExchange) -> None:
    listener = Listener()
    async with open_connection(exchange, listener) as (connection, control):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hang_up() -> None:
                await control.expect(SessionOpen)
                await control.cut()

            with pytest.raises(WSSConnectionError):
                await connection.request(claim)
        assert trio.current_time() == 0
        assert listener.changes == ["stands", "lost"]


async def test_between_two_connections_nothing_can_be_sent(exchange: FakeExchange) -> None:
    listener = Listener()
    async with open_connection(exchange, listener) as (connection, control):
        exchange.answers.extend([OSError("down")] * 3)
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(WSSConnectionError, match="no connection"):
            connection.send(SessionReady("s"))
        with pytest.raises(WSSConnectionError, match="no connection"):
            await connection.request(claim)
        assert connection.connection_id is None

        new_control = await exchange.control()
        connection.send(SessionReady("s"))
        assert (await new_control.expect(SessionReady)).session_id == "s"
    assert listener.changes == ["stands", "lost", "stands", "lost"]


async def test_every_connection_has_its_own_name(exchange: FakeExchange) -> None:
    names = []
    async with open_connection(exchange, Listener()) as (connection, first):
        control = first
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()
            assert connection.connection_id == control.connection_id
            names.append(connection.connection_id)
            await control.close()
            control = await exchange.control()
    assert len(set(names)) == 3


@pytest.mark.parametrize("is_connecting", [False, True], ids=["in a pause", "while connecting"])
async def test_a_client_that_is_not_connected_stops_at_once(
    exchange: FakeExchange, is_connecting: bool
) -> None:
    async with open_connection(exchange, Listener()) as (_, control):
        exchange.answers.append(SILENCE if is_connecting else OSError("down"))
        await control.cut()
        await trio.testing.wait_all_tasks_blocked()
        if is_connecting:
            await trio.sleep(0.6)
        assert len(exchange.attempts) == (2 if is_connecting else 1)
        stopped_at = trio.current_time()
    assert trio.current_time() == stopped_at
