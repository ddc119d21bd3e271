"""An agent in a process of its own, on a core of its own, measured from outside."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import IO

import psutil


class AgentProcess:
    """A running agent, which knows nothing of being measured. Opened by `open_agent`."""

    def __init__(self, process: asyncio.subprocess.Process, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        # The clock of another process, as clock_getcpuclockid(3) makes it on Linux.
        self._clock = (~process.pid << 3) | 2

    def cpu_seconds(self) -> float:
        """Processor time of all its threads so far: what `time.process_time` would say there."""
        return time.clock_gettime(self._clock)

    def resident_bytes(self) -> int:
        """How much memory it holds."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def complaints(self) -> str:
        """What it has written to its standard error, and whether it has ended."""
        self._errors.seek(0)
        text = self._errors.read().decode(errors="replace").strip()
        ended = self._process.returncode
        return text if ended is None else f"{text}\n(the agent ended with status {ended})"

    async def kill(self) -> None:
        """End it at once: how it would end by itself is not measured."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def open_agent(
    module: str, arguments: Sequence[str], *, core: int, environment: Mapping[str, str]
) -> AsyncIterator[AgentProcess]:
    """Run the module of an agent inside the block, pinned to a core."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | dict(environment),
        )
        os.sched_setaffinity(process.pid, {core})
        agent = AgentProcess(process, errors)
        try:
            yield agent
        finally:
            await agent.kill()
