"""Agents that are watched: `trio-calls run --monitor` as a process, and the exchange beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.support.agent_files import agent_file
from tests.support.metrics import read_metrics
from tests.support.peers.web import fetch
from tests.support.processes import PATIENCE_SECONDS, RunningCommand, running, settings_of
from trio_calls.simulator import Simulator, open_simulator

# It stays in the call until the caller hangs up.
AGENT = """
async def handle_call(call):
    await call.answer()
    await call.wait_disconnected()
"""


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
