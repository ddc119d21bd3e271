"""What workers do that are processes of their own: see `benchmarks.fleet.chaos.ForkedProcess`."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import NoReturn

import attrs
import trio

from trio_calls import ActiveCall, ClientConfig
from trio_calls.call.scope import CallHandler
from trio_calls.config import StreamOpener
from trio_calls.fleet import serve_from_redis


@attrs.frozen
class Task:
    """What a worker is to do.

    Attributes:
      exchange: the address of a simulator.
      redis: that of Redis.
      key: that calls are encrypted with.
      serves: a file that it makes when it serves.
      has_call: and one that it makes when it has a call.
    """

    exchange: str
    redis: str
    key: str = attrs.field(repr=False)
    serves: Path
    has_call: Path


def answer(task: Task) -> None:
    """Answer every call, and stay in it."""

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()

    trio.run(_serve, task, handle, trio.open_tcp_stream)


def think(task: Task) -> None:
    """Think about every call for a minute."""

    async def handle(call: ActiveCall) -> None:
        task.has_call.touch()
        await trio.sleep(60)

    trio.run(_serve, task, handle, trio.open_tcp_stream)


def die_while_opening(task: Task) -> None:
    """Be killed in the moment in which the connection of a call is opened: it is marked by then."""

    async def handle(call: ActiveCall) -> None:
        await call.answer()

    async def die(host: str, port: int) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        await trio.sleep_forever()

    trio.run(_serve, task, handle, die)


async def _serve(task: Task, handler: CallHandler, open_stream: StreamOpener) -> None:
    logging.disable(logging.CRITICAL)
    config = ClientConfig.sandbox(
        api_key="simulated-key", connector_uuid="simulated-connector", base_url=task.exchange
    )
    config = attrs.evolve(config, open_stream=open_stream)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_from_redis, handler, config, task.redis, task.key)
        task.serves.touch()
