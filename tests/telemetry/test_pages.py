"""What a monitor shows, to whom, and what it does not."""

from __future__ import annotations

import json

import pytest
import trio
import trio.testing

from tests.support.metrics import read_metrics
from tests.support.peers.exchange import FakeExchange
from tests.support.peers.web import get
from trio_calls import ActiveCall, events, open_call_client
from trio_calls.simulator import Simulator
from trio_calls.telemetry import open_monitor
from trio_calls.telemetry._app import make_app
from trio_calls.telemetry._monitor import parse_address
from trio_calls.telemetry._watch import open_watch
from trio_calls.testing import run_agent

CALLER, CALLEE = "+65 9111 0000", "+65 6222 0000"


async def test_ready_until_it_drains(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _), open_watch(client) as watch:
        app = make_app(watch)
        assert (await get(app, "/readyz")).status == 200
        await client.drain()
        answer = await get(app, "/readyz")
        assert (answer.status, answer.text) == (503, "draining\n")
        assert (await get(app, "/healthz")).text == "ok\n"
        assert read_metrics((await get(app, "/metrics")).text)["trio_calls_draining_workers"] == 1


async def test_ready_while_there_is_an_exchange(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, control, _), open_watch(client) as watch:
        app = make_app(watch)
        await control.cut()
        await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        answer = await get(app, "/readyz")
        assert (answer.status, answer.text) == (503, "no connection to the exchange\n")
        assert (await get(app, "/healthz")).status == 200
        await exchange.control()
        await trio.testing.wait_all_tasks_blocked()
        assert (await get(app, "/readyz")).status == 200


@pytest.mark.parametrize("has_limit", [False, True])
async def test_not_ready_while_it_pauses(exchange: FakeExchange, has_limit: bool) -> None:
    async def fail(call: ActiveCall) -> None:
        raise RuntimeError("out of order")

    config = exchange.config(max_concurrent_calls=5 if has_limit else None)
    async with open_call_client(config) as client, open_watch(client) as watch:
        client.on(events.INCOMING_CALL)(fail)
        control, app = await exchange.control(), make_app(watch)
        for name in ("first", "second", "third"):
            assert (await get(app, "/readyz")).status == 200
            await control.ring(name)
            await (await exchange.media()).accept("call.disconnect")
            await trio.testing.wait_all_tasks_blocked()
        answer = await get(app, "/readyz")
        assert answer.status == 503
        assert answer.text == "paused: too many calls in a row have failed\n"
        assert (await get(app, "/healthz")).status == 200
        await trio.sleep(1)
        # It takes one now, to see whether it is mended.
        assert (await get(app, "/readyz")).status == 200


async def test_ready_while_it_is_full(exchange: FakeExchange) -> None:
    """It takes the next call when one has ended, and no operator has to do anything about it."""
    async with (
        exchange.open_client(max_concurrent_calls=1) as (client, control, _),
        open_watch(client) as watch,
    ):
        await control.ring("first")
        assert (await get(make_app(watch), "/readyz")).status == 200


@pytest.mark.parametrize("show_numbers", [False, True])
async def test_calls_are_listed(simulator: Simulator, show_numbers: bool) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.connect()
        await call.wait_disconnected()

    async with (
        run_agent(handle, simulator) as client,
        open_watch(client, show_numbers=show_numbers) as watch,
    ):
        app = make_app(watch)
        assert json.loads((await get(app, "/calls")).text) == []
        call = simulator.place_call(caller=CALLER, callee=CALLEE)
        await call.callee.wait_talking()
        await trio.sleep(1)
        pages = {path: await get(app, path) for path in ("/calls", "/metrics", "/readyz")}
        (listed,) = json.loads(pages["/calls"].text)
        assert listed == {
            "call_id": call.call_id,
            "caller_number": CALLER if show_numbers else "***",
            "callee_number": CALLEE if show_numbers else "***",
            "state": "CONNECTED",
            "mode": "BARGE",
            "seconds": pytest.approx(3, abs=0.1),
        }
        for number in (CALLER, CALLEE):
            assert number not in pages["/metrics"].text + pages["/readyz"].text
            assert (number in pages["/calls"].text) is show_numbers
        # No series is of a single call.
        assert call.call_id not in pages["/metrics"].text
        call.caller.hang_up()
        await call.wait_agent_left()


async def test_who_withholds_a_number_has_none(exchange: FakeExchange) -> None:
    async with (
        exchange.open_client() as (client, control, switchboard),
        open_watch(client) as watch,
    ):
        await control.ring("a")
        call = await switchboard.next_call()
        call.caller_number = None
        (listed,) = json.loads((await get(make_app(watch), "/calls")).text)
        assert (listed["caller_number"], listed["callee_number"]) == (None, "***")


async def test_openmetrics_for_who_prefers_it(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _), open_watch(client) as watch:
        app = make_app(watch)
        plain = await get(app, "/metrics")
        assert plain.headers["content-type"].startswith("text/plain; version=")
        assert plain.headers["cache-control"] == "no-store"
        openmetrics = await get(app, "/metrics", accept="application/openmetrics-text")
        assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
        assert openmetrics.text.endswith("# EOF\n")


async def test_there_is_nothing_else(exchange: FakeExchange) -> None:
    async with exchange.open_client() as (client, _, _), open_watch(client) as watch:
        assert (await get(make_app(watch), "/")).status == 404


@pytest.mark.pure
@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("127.0.0.1:9090", ("127.0.0.1", 9090)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_addresses(address: str, parsed: tuple[str, int]) -> None:
    assert parse_address(address) == parsed


@pytest.mark.parametrize(
    "address", ["9090", ":9090", "host", "host:", "host:x", "host:65536", "::1:9090", "[::1]", ""]
)
async def test_what_is_no_address(exchange: FakeExchange, address: str) -> None:
    async with exchange.open_client() as (client, _, _):
        with pytest.raises(ValueError, match="no host and port"):
            async with open_monitor(client, address):
                pass  # pragma: no cover
