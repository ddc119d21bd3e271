"""`trio-calls run --monitor`: what is served of one process, and of several as one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.support.agent_files import agent_file
from tests.support.metrics import read_metrics
from tests.support.peers.web import fetch
from tests.support.processes import (
    PATIENCE_SECONDS,
    RunningCommand,
    environment,
    finished,
    running,
    settings_of,
)
from trio_calls.cli import main
from trio_calls.simulator import Simulator, open_simulator

# It stays in the call until the caller hangs up.
AGENT = """
async def handle_call(call):
    await call.answer()
    await call.wait_disconnected()
"""

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="workers inherit a descriptor"),
    pytest.mark.slow,
]


class Watched:
    """An agent that is watched, and the exchange whose calls it serves."""

    def __init__(self, command: RunningCommand, simulator: Simulator, url: str) -> None:
        self.command = command
        self.simulator = simulator
        self.url = url

    async def metrics(self) -> dict[str, float]:
        return read_metrics(await fetch(f"{self.url}/metrics"))

    async def wait_workers(self, number: int) -> dict[str, float]:
        """Wait until so many workers report: that they serve they print before they tell it."""
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                samples = await self.metrics()
                if samples["trio_calls_workers"] == number:
                    return samples
                await trio.sleep(0.05)


@asynccontextmanager
async def watched(folder: Path, *options: str) -> AsyncIterator[Watched]:
    async with open_simulator(port=0) as simulator:
        arguments = ("run", agent_file(folder, AGENT), "--monitor", "127.0.0.1:0", *options)
        async with running(*arguments, variables=settings_of(simulator.config)) as command:
            url = (await command.wait_for(r"metrics are on (http://127\.0\.0\.1:\d+)/metrics"))[1]
            workers = 2 if "--workers" in options else 1
            await command.wait_for(rf"(?s)(serving the calls.*){{{workers}}}")
            yield Watched(command, simulator, url)


async def test_one_process(tmp_path: Path) -> None:
    async with watched(tmp_path, "--show-numbers") as agent:
        call = agent.simulator.place_call()
        await call.caller.wait_talking()
        samples = await agent.metrics()
        assert samples["trio_calls_offers_claimed_total"] == 1
        assert samples["trio_calls_workers"] == 1
        (listed,) = json.loads(await fetch(f"{agent.url}/calls"))
        assert listed["caller_number"] == "+65 9111 0000"
        assert await fetch(f"{agent.url}/readyz") == "ready\n"
        agent.command.send_signal(signal.SIGTERM)
        await agent.command.wait_for("terminating")
        # It is watched until it is gone.
        assert (await agent.metrics())["trio_calls_draining_workers"] == 1
        call.caller.hang_up()
        assert await agent.command.wait_status() == 0


async def test_two_workers_one_of_which_dies(tmp_path: Path) -> None:
    async with watched(tmp_path, "--workers", "2") as agent:
        calls = [agent.simulator.place_call() for _ in range(6)]
        for call in calls:
            await call.caller.wait_talking()
        samples = await agent.wait_workers(2)
        assert samples["trio_calls_connected_workers"] == 2
        assert samples['trio_calls_calls{state="answered"}'] == 6
        assert samples["trio_calls_offers_claimed_total"] == 6
        listed = json.loads(await fetch(f"{agent.url}/calls"))
        assert {one["call_id"] for one in listed} == {call.call_id for call in calls}
        assert {one["worker"] for one in listed} <= {1, 2}
        assert {one["caller_number"] for one in listed} == {"***"}

        process = int((await agent.command.wait_for(r"worker 2 is process (\d+)"))[1])
        os.kill(process, signal.SIGKILL)
        await agent.command.wait_for("(?s)worker 2: serving.*worker 2: serving")
        samples = await agent.wait_workers(2)
        assert samples["trio_calls_offers_claimed_total"] >= 6
        left = [one for one in listed if one["worker"] == 1]
        assert samples['trio_calls_calls{state="answered"}'] >= len(left)
        calls.append(agent.simulator.place_call())
        await calls[-1].caller.wait_talking()

        agent.command.send_signal(signal.SIGTERM)
        await agent.command.wait_for(r"(?s)(worker \d: terminating.*){2}")
        assert (await agent.metrics())["trio_calls_draining_workers"] >= 1
        for call in calls:
            if not call.ended:
                call.caller.hang_up()
        assert await agent.command.wait_status() == 0


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="there is no Prometheus here")
async def test_a_real_prometheus_scrapes_two_workers(tmp_path: Path) -> None:
    async with watched(tmp_path, "--workers", "2") as agent:
        calls = [agent.simulator.place_call() for _ in range(6)]
        for call in calls:
            await call.caller.wait_talking()
        await agent.wait_workers(2)
        async with prometheus(tmp_path, agent.url) as api:
            assert await query(api, "trio_calls_offers_claimed_total") == 6
            assert await query(api, "sum(trio_calls_calls)") == 6
            assert await query(api, "trio_calls_workers") == 2
            quantile = "histogram_quantile(0.9, trio_calls_offer_to_answer_seconds_bucket)"
            assert 0 < await query(api, quantile) <= 1
        for call in calls:
            call.caller.hang_up()


@asynccontextmanager
async def prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """Let Prometheus scrape a target each second, and yield the address of its API."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scraped = {
        "job_name": "agents",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [target.removeprefix("http://")]}],
    }
    # Its configuration is YAML, and all JSON is that.
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scraped]}))
    process = await trio.lowlevel.open_process(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ],
        env=environment({}),
    )
    try:
        yield f"http://127.0.0.1:{port}/api/v1/query"
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def query(api: str, expression: str) -> float:
    """Ask Prometheus, again and again until it has an answer."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            try:
                answer = json.loads(await fetch(f"{api}?query={expression.replace(' ', '%20')}"))
            except (AssertionError, OSError):
                answer = {"data": {"result": []}}
            for result in answer["data"]["result"]:
                return float(result["value"][1])
            await trio.sleep(0.3)


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
async def test_a_port_in_use_is_one_sentence(tmp_path: Path, options: list[str]) -> None:
    agent = agent_file(tmp_path, AGENT)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with open_simulator(port=0) as simulator:
            status, printed = await finished(
                *("run", agent, "--monitor", address, *options),
                variables=settings_of(simulator.config),
            )
    assert status == 1
    sentence = f"trio-calls run: cannot serve the monitor on {address}: "
    (last, *_) = reversed(printed.splitlines())
    assert last.startswith(sentence)
    assert "in use" in last


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--monitor", "9090"], "'9090' is no host and port, such as 127.0.0.1:9090"),
        (["--monitor", "127.0.0.1:0", "--simulate"], "leave --monitor out"),
        (["--show-numbers"], "--show-numbers goes with --monitor"),
    ],
)
def test_what_makes_no_sense(
    options: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", agent_file(tmp_path, AGENT), *options]) == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_extra_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_calls.telemetry._monitor._EXTRA", ("no_such_module",))
    arguments = ["run", agent_file(tmp_path, AGENT), "--monitor", "127.0.0.1:0"]
    assert main(arguments) == 1
    assert capsys.readouterr().err == (
        "trio-calls run: a monitor needs no_such_module, which is not installed: "
        "install the extra 'monitor' of trio-calls\n"
    )
