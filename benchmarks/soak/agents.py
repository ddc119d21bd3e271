"""The agent under test: in a process of its own, or, for tests, in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import attrs
import trio

from benchmarks.soak.flows import Agent
from benchmarks.soak.records import Record
from trio_calls import CallClient, ClientConfig, serve_calls

#: Longer than any fault of a call waits, and not when the connection is pinged.
_REST_SECONDS: Final = 20.0


@attrs.frozen
class Resources:
    """What the agent's process holds while it has no call.

    Attributes:
      tasks: of Trio.
      resident_bytes: of memory.
    """

    tasks: int
    resident_bytes: int


class Reports:
    """Collects what the agent reports, until somebody asks for it."""

    def __init__(self) -> None:
        self._scopes: Counter[int] = Counter()
        self._records: defaultdict[int, list[Record]] = defaultdict(list)
        self._news = trio.lowlevel.ParkingLot()

    def call_begun(self, call_number: int) -> None:
        """A handler was given a call."""
        self._scopes[call_number] += 1

    def call_over(self, record: Record) -> None:
        """A handler is done with it."""
        self._records[record.call_number].append(record)
        self._news.unpark_all()

    async def take(self, call_number: int) -> list[Record]:
        """Wait until each handler that was given a call is done; their records, once."""
        while len(self._records[call_number]) < self._scopes[call_number]:
            await self._news.park()
        del self._scopes[call_number]
        return self._records.pop(call_number)


class LocalAgent:
    """An agent in this process, whose tasks are counted together with the exchange's."""

    def __init__(self, reports: Reports, client: CallClient) -> None:
        self._reports = reports
        self._client = client

    async def records_of(self, call_number: int) -> list[Record]:
        """Wait until no handler has the call any more."""
        return await self._reports.take(call_number)

    async def measure(self) -> Resources:
        """Measure, when no clock ticks any more and no fault waits for its trigger."""
        await trio.sleep(_REST_SECONDS)
        assert not self._client.calls
        return Resources(trio.lowlevel.current_statistics().tasks_living, 0)


@asynccontextmanager
async def open_local_agent(config: ClientConfig) -> AsyncIterator[LocalAgent]:
    """Serve calls in this process for as long as the block takes."""
    reports = Reports()
    async with trio.open_nursery() as nursery:
        client = await nursery.start(serve_calls, Agent(reports).handle_call, config)
        yield LocalAgent(reports, client)
        nursery.cancel_scope.cancel()


class RemoteAgent:
    """An agent in a process of its own; see `agent_process`.

    Attributes:
      process_id: of that process.
    """

    def __init__(self, process: trio.Process) -> None:
        self.process_id = process.pid
        self._process = process
        self._reports = Reports()
        self._answers, self._to_take = trio.open_memory_channel[Any](1)
        # Answers to a word come in the order of the words.
        self._turn = trio.StrictFIFOLock()

    async def read(self) -> None:
        """Take in everything that it reports, until it is gone."""
        assert self._process.stdout is not None
        rest = b""
        async for chunk in self._process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                await self._receive(json.loads(line))

    async def records_of(self, call_number: int) -> list[Record]:
        """Wait until no handler has the call any more.

        Whatever it reported before it answers has been read then, so no scope is missing.
        """
        await self.ask("are you there?")
        return await self._reports.take(call_number)

    async def measure(self) -> Resources:
        """Ask for its resources, when it has no call any more."""
        return Resources(**await self.ask("measure"))

    async def ask(self, word: str) -> Any:
        """Send a word, and wait for the answer."""
        assert self._process.stdin is not None
        async with self._turn:
            await self._process.stdin.send_all(word.encode() + b"\n")
            return await self._to_take.receive()

    async def stop(self) -> None:
        """End it, now that it has no call."""
        assert self._process.stdin is not None
        await self._process.stdin.aclose()

    async def _receive(self, line: dict[str, Any]) -> None:
        match line:
            case {"begun": call_number}:
                self._reports.call_begun(call_number)
            case {"over": record}:
                self._reports.call_over(Record.from_json(record))
            case {"answer": answer}:
                await self._answers.send(answer)


@asynccontextmanager
async def open_remote_agent(config: ClientConfig) -> AsyncIterator[RemoteAgent]:
    """Run an agent that serves calls for as long as the block takes."""
    environment = {
        "WSS_API_KEY": config.api_key or "",
        "WSS_CONNECTOR_UUID": config.connector_uuid or "",
        "WSS_BASE_URL": config.base_url,
        "WSS_SAMPLE_RATE": str(config.sample_rate),
    }
    async with trio.open_nursery() as nursery:
        run = partial(
            trio.run_process,
            [sys.executable, "-m", "benchmarks.soak.agent_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environment,
        )
        agent = RemoteAgent(await nursery.start(run))
        nursery.start_soon(agent.read)
        yield agent
        await agent.stop()
