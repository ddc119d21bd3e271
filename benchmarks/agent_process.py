"""An agent in a process of its own, on a core of its own, measured from outside."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import psutil


class AgentProcess:
    """A running agent, which knows nothing of being measured. Opened by `open_agent`."""

    def __init__(self, process: asyncio.subprocess.Process, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self._pids = [process.pid]

    @property
    def pid(self) -> int:
        """Of the process itself."""
        return self._process.pid

    def count_children(self) -> None:
        """Count what the processes use that it has started so far, too."""
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._pids = [self._process.pid, *(child.pid for child in children)]

    def cpu_seconds(self) -> float:
        """Processor time of all its threads so far: what `time.process_time` would say there."""
        return sum(time.clock_gettime(_clock(pid)) for pid in self._pids)

    def resident_bytes(self) -> int:
        """How much memory it holds."""
        return sum(int(psutil.Process(pid).memory_info().rss) for pid in self._pids)

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
    module: str,
    arguments: Sequence[str],
    *,
    cores: Set[int],
    environment: Mapping[str, str],
    folder: Path | None = None,
    python: Path | None = None,
) -> AsyncIterator[AgentProcess]:
    """Run the module of an agent inside the block, pinned to cores.

    Args:
      module: of the checkout in `folder`, which is this one if there is none.
      arguments: of the module.
      cores: to run on.
      environment: beside that of this process.
      folder: the process's.
      python: of an environment that is not this one.
    """
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            python or sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | dict(environment),
            cwd=folder,
        )
        os.sched_setaffinity(process.pid, cores)
        agent = AgentProcess(process, errors)
        try:
            yield agent
        finally:
            await agent.kill()


def _clock(pid: int) -> int:
    """The clock of another process, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2
