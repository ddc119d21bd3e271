"""Starting sessions, as an exchange sees it that shares no code with us."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.support.peers.exchange import API_KEY, FakeExchange
from tests.support.peers.json_control import (
    answer_json,
    expect_json,
    receive_json,
    refuse_json,
)
from tests.support.peers.links import ControlEnd
from tests.support.transports import on_one_transport
from tests.support.wires import on_the_first_wire
from trio_calls import CallClient, WSSConnectionError
from trio_calls.client.session_errors import SESSION_ERRORS
from trio_calls.sessions import WSSSessionError, WSSSessionExistsError

pytestmark = [on_one_transport, on_the_first_wire]

NUMBER = "6591112222"


class Starting:
    """A client that starts a session, in a task of its own; what comes of it."""

    def __init__(self, nursery: trio.Nursery, client: CallClient, channel: str = "WA") -> None:
        self.outcome: str | Exception | None = None
        self.over = trio.Event()
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run, client, channel)

    async def _run(self, client: CallClient, channel: str) -> None:
        with self.scope:
            try:
                self.outcome = await client.sessions.create(channel, NUMBER)
            except (WSSSessionError, WSSConnectionError) as error:
                self.outcome = error
        self.over.set()

    async def error(self) -> Exception:
        await self.over.wait()
        assert isinstance(self.outcome, Exception)
        return self.outcome


async def asked(control: ControlEnd, channel: str = "WA") -> str:
    return await expect_json(control, type="session.create", channel=channel, remoteAddress=NUMBER)


@pytest.mark.parametrize("channel", ["WA", "TELCO"])
@pytest.mark.parametrize("content", [{"created": True}, {}, {"created": None, "new": [1]}])
async def test_a_session_is_started(
    exchange: FakeExchange, nursery: trio.Nursery, channel: str, content: dict[str, Any]
) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = Starting(nursery, client, channel)
        request_id = await asked(control, channel)
        await answer_json(control, request_id, {"sessionId": "s-1", **content})
        await starting.over.wait()
        assert starting.outcome == "s-1"
        assert await control.rest() == []


async def test_one_that_is_open_is_named(exchange: FakeExchange, nursery: trio.Nursery) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = Starting(nursery, client)
        await answer_json(control, await asked(control), {"sessionId": "s-1", "created": False})
        error = await starting.error()
        assert isinstance(error, WSSSessionExistsError)
        assert error.session_id == "s-1"
        assert NUMBER not in str(error)
        assert await control.rest() == []


@pytest.mark.parametrize(("code", "kind"), [*SESSION_ERRORS.items(), ("NEW", WSSSessionError)])
async def test_each_refusal_has_its_class(
    exchange: FakeExchange, nursery: trio.Nursery, code: str, kind: type[WSSSessionError]
) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = Starting(nursery, client)
        await refuse_json(control, await asked(control), code, f"not with {API_KEY}")
        error = await starting.error()
        assert type(error) is kind
        assert str(error) == f"the exchange refused to start the session ({code}): not with ***"


@pytest.mark.parametrize(
    "content", [None, [], "s-1", {"sessionId": 7}, {"sessionId": "s", "created": "yes"}]
)
async def test_an_answer_that_makes_no_sense(
    exchange: FakeExchange, nursery: trio.Nursery, content: Any
) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = Starting(nursery, client)
        await answer_json(control, await asked(control), content)
        error = await starting.error()
        assert isinstance(error, WSSConnectionError)
        assert "makes no sense" in str(error)


async def test_it_ends_with_the_connection(exchange: FakeExchange, nursery: trio.Nursery) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = Starting(nursery, client)
        await asked(control)
        await control.cut()
        assert isinstance(await starting.error(), WSSConnectionError)
        assert trio.current_time() == 0
        with pytest.raises(WSSConnectionError, match="no connection"):
            await client.sessions.create("WA", NUMBER)


async def test_it_can_be_cancelled(exchange: FakeExchange, nursery: trio.Nursery) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = Starting(nursery, client)
        request_id = await asked(control)
        starting.scope.cancel()
        await starting.over.wait()
        await answer_json(control, request_id, {"sessionId": "s-1"})
        await control.ring("another")
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.sessions.create("WA", NUMBER)
        assert scope.cancelled_caught
        assert await control.rest() == []


async def test_two_overlap_and_each_has_its_answer(
    exchange: FakeExchange, nursery: trio.Nursery
) -> None:
    async with exchange.open_client() as (client, control, _):
        starting = {
            "WA": Starting(nursery, client, "WA"),
            "TELCO": Starting(nursery, client, "TELCO"),
        }
        requests = [await receive_json(control), await receive_json(control)]
        for request in reversed(requests):
            await answer_json(control, request["reqId"], {"sessionId": request["channel"]})
        for channel, started in starting.items():
            await started.over.wait()
            assert started.outcome == channel
