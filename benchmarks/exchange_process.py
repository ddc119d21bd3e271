"""An exchange in a process of its own, which is given orders, and answers, in lines of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio

from trio_calls import ClientConfig


class ExchangeProcess:
    """The other process.

    Attributes:
      port: on which it serves.
    """

    def __init__(self, process: trio.Process, port: int, answers: AsyncIterator[Any]) -> None:
        self.port: int = port
        self._process = process
        self._answers = answers

    @property
    def config(self) -> ClientConfig:
        """The settings with which a client reaches it."""
        return ClientConfig.sandbox(
            api_key="key", connector_uuid="uuid", base_url=f"ws://127.0.0.1:{self.port}"
        )

    async def order(self, order: object) -> None:
        """Give it an order."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(json.dumps(order).encode() + b"\n")

    async def answer(self) -> Any:
        """Wait for the next thing that it says."""
        return await anext(self._answers)


ExchangeT = TypeVar("ExchangeT", bound=ExchangeProcess)


@asynccontextmanager
async def open_exchange_process(kind: type[ExchangeT], program: Path) -> AsyncIterator[ExchangeT]:
    """Run an exchange for the duration of the block.

    Args:
      kind: knows the orders that the program takes.
      program: says on which port it serves, first of all.
    """
    async with trio.open_nursery() as nursery:
        command = [sys.executable, str(program)]
        process: trio.Process = await nursery.start(
            partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        answers = _read_lines(process)
        yield kind(process, (await anext(answers))["port"], answers)
        nursery.cancel_scope.cancel()


async def _read_lines(process: trio.Process) -> AsyncIterator[Any]:
    assert process.stdout is not None
    rest = b""
    async for chunk in process.stdout:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)
