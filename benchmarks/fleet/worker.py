"""A worker: a process of its own, as a deployment runs it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from benchmarks.measure import MeasurementError

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.05


@attrs.define(eq=False)
class Worker:
    """A worker that has started.

    Attributes:
      name: tells it from the others.
      process: it.
      started_seconds: from its start until it was ready.
    """

    name: str
    process: asyncio.subprocess.Process
    started_seconds: float = 0.0

    async def wait_ready(self) -> None:
        """Wait until its monitor says that it takes calls.

        Raises:
          MeasurementError: it did not.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(_START_SECONDS):
                port = await self._read_port()
                while not await _is_ready(port):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise MeasurementError(f"{self.name} was not ready in time") from None
        self.started_seconds = time.monotonic() - began

    async def drain(self) -> int:
        """Ask it to drain, and wait for its end. Returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        async for _ in self.process.stdout:
            pass
        return await self.process.wait()

    async def _read_port(self) -> int:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if match := re.search(rb"metrics are on http://[^:]+:(\d+)/", line):
                return int(match[1])
        raise MeasurementError(f"{self.name} has ended at once")


@asynccontextmanager
async def open_worker(
    name: str, handler: str, settings: Mapping[str, str], drain_seconds: float
) -> AsyncIterator[Worker]:
    """Run a worker inside the block; it is killed at its end, if it is still there.

    Args:
      name: tells it from the others.
      handler: serves its calls.
      settings: of its environment.
      drain_seconds: how long its calls may go on after SIGTERM.
    """
    options = ("--monitor", "127.0.0.1:0", "--drain-seconds", f"{drain_seconds}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trio_calls", "run", handler, *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        # A line for each call, which nobody reads.
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(_CHECKOUT)} | dict(settings),
        cwd=_CHECKOUT,
    )
    try:
        yield Worker(name, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_ready(port: int) -> bool:
    """Ask a monitor as a probe of Kubernetes does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    finally:
        writer.close()
