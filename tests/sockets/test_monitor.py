"""A monitor by real sockets and a real web server, and what a real Prometheus makes of it."""

from __future__ import annotations

import importlib.util
import socket

import pytest
import trio

from tests.support.metrics import read_metrics
from tests.support.peers.web import fetch
from trio_calls import ActiveCall
from trio_calls.simulator import open_simulator
from trio_calls.telemetry import open_monitor
from trio_calls.testing import run_agent

pytestmark = [pytest.mark.slow, pytest.mark.pure]


async def wait_for_the_end(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_it_is_served(host: str) -> None:
    if host == "[::1]" and not _has_ipv6():
        pytest.skip("there is no IPv6 here")
    async with (
        open_simulator() as simulator,
        run_agent(wait_for_the_end, simulator) as client,
        open_monitor(client, f"{host}:0") as monitor,
    ):
        assert monitor.url == f"http://{host}:{monitor.port}"
        call = simulator.place_call()
        await call.caller.wait_talking()
        samples = read_metrics(await fetch(f"{monitor.url}/metrics"))
        assert samples['trio_calls_calls{state="answered"}'] == 1
        assert await fetch(f"{monitor.url}/healthz") == "ok\n"
        assert await fetch(f"{monitor.url}/readyz") == "ready\n"
        call.caller.hang_up()
        await call.wait_agent_left()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as trying:
            trying.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with open_simulator() as simulator, run_agent(wait_for_the_end, simulator) as client:
            with pytest.raises(OSError, match="in use"):
                async with open_monitor(client, f"127.0.0.1:{port}"):
                    pass  # pragma: no cover


async def test_the_block_is_left_though_somebody_looks() -> None:
    async with open_simulator() as simulator, run_agent(wait_for_the_end, simulator) as client:
        async with open_monitor(client, "127.0.0.1:0") as monitor:
            idle = await trio.open_tcp_stream("127.0.0.1", monitor.port)
            left_at = trio.current_time()
        assert trio.current_time() - left_at < 5
        await idle.aclose()
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream("127.0.0.1", monitor.port)


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    async with open_simulator() as simulator, run_agent(wait_for_the_end, simulator) as client:
        with pytest.raises(LookupError):
            async with open_monitor(client, "127.0.0.1:0"):
                raise LookupError


async def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "prometheus_client" else found(name),
    )
    async with open_simulator() as simulator, run_agent(wait_for_the_end, simulator) as client:
        with pytest.raises(ModuleNotFoundError, match=r"prometheus_client.*extra 'monitor'"):
            async with open_monitor(client, "127.0.0.1:0"):
                pass  # pragma: no cover
