"""A real Prometheus scrapes workers, knows the page's alerts, and answers its dashboard."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trio

from tests.docs.test_watching_page import ALERTS, DASHBOARD
from tests.support.dashboards import expressions
from tests.support.deployment import FILES
from tests.support.peers.web import fetch
from tests.support.processes import PATIENCE_SECONDS, environment
from tests.support.requirements import do_without
from tests.support.watched_agents import watched

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="workers inherit a descriptor"),
    pytest.mark.slow,
]


@pytest.fixture(autouse=True)
def a_real_one() -> None:
    if shutil.which("prometheus") is None:
        do_without("prometheus", "there is no Prometheus here")


async def test_it_scrapes_two_workers(tmp_path: Path) -> None:
    async with watched(tmp_path, "--workers", "2") as agent:
        calls = [agent.simulator.place_call() for _ in range(6)]
        for call in calls:
            await call.caller.wait_talking()
        await agent.wait_workers(2)
        async with prometheus(tmp_path, agent.url) as api:
            assert await value(api, "trio_calls_offers_claimed_total") == 6
            assert await value(api, "sum(trio_calls_calls)") == 6
            assert await value(api, "trio_calls_workers") == 2
            quantile = "histogram_quantile(0.9, trio_calls_offer_to_answer_seconds_bucket)"
            assert 0 < await value(api, quantile) <= 1
            await check_dashboards(api)
            assert await evaluated_alerts(api) == {
                "NoWorkerIsConnected": "inactive",
                "NoRoomForCalls": "inactive",
                "AgentsAreLate": "inactive",
                "SomethingBlocksTheEventLoop": "inactive",
                "HandlersFail": "inactive",
            }
        for call in calls:
            call.caller.hang_up()


async def check_dashboards(api: str) -> None:
    """Ask for what each panel of the dashboards shows, as Grafana does."""
    centre = (FILES / "grafana" / "call-centre.json").read_text("utf-8")
    for expression in expressions([json.loads(DASHBOARD), json.loads(centre)]):
        answer = await ask(api, expression.replace("$__rate_interval", "1m"))
        assert answer["status"] == "success"


async def evaluated_alerts(api: str) -> dict[str, str]:
    """Wait until each alert was evaluated, and return their states."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            answer = json.loads(await fetch(f"{api}/rules"))
            (group,) = answer["data"]["groups"]
            if all(rule["health"] == "ok" for rule in group["rules"]):
                return {rule["name"]: rule["state"] for rule in group["rules"]}
            await trio.sleep(0.3)


@asynccontextmanager
async def prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """Let Prometheus scrape a target, with the page's alerts, and yield where its API is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scraped = {
        "job_name": "agents",
        "static_configs": [{"targets": [target.removeprefix("http://")]}],
    }
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [scraped],
        "rule_files": ["alerts.yml"],
    }
    # Its configuration is YAML, and all JSON is that.
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    (folder / "alerts.yml").write_text(ALERTS)
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
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def ask(api: str, expression: str) -> dict[str, Any]:
    """Ask Prometheus for what an expression comes to now."""
    answer: dict[str, Any] = json.loads(await fetch(f"{api}/query?query={quote(expression)}"))
    return answer


async def value(api: str, expression: str) -> float:
    """Ask Prometheus, again and again until it has an answer."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            try:
                answer = await ask(api, expression)
            except (AssertionError, OSError):
                answer = {"data": {"result": []}}
            for result in answer["data"]["result"]:
                return float(result["value"][1])
            await trio.sleep(0.3)
