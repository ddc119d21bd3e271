"""Workers that are processes, with a real Redis: what kill -9 does to a caller."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import trio

from benchmarks.fleet.chaos import ForkedProcess, running
from tests.support.dispatch import KEY
from tests.support.dispatch_processes import Task, answer, die_while_opening, think
from tests.support.redis_server import RedisServer
from trio_calls import events, open_call_client
from trio_calls.config import WireName
from trio_calls.fleet import open_dispatcher
from trio_calls.simulator import PhoneState, Simulator, open_simulator

pytestmark = [pytest.mark.slow, pytest.mark.pure]

#: What is 2 s by our clock, on a machine that is busy with other tests.
PATIENCE_SECONDS = 6


@asynccontextmanager
async def desk(
    redis: RedisServer,
    wire: WireName = "first",
    second_media: Literal["refuse", "replace"] = "refuse",
) -> AsyncIterator[Simulator]:
    """An exchange, and a dispatcher for all its calls, in this process."""
    async with (
        open_simulator(port=0, wire=wire, second_media_connection=second_media) as simulator,
        open_dispatcher(simulator.config, redis.url, KEY) as dispatcher,
        open_call_client(simulator.config) as client,
    ):
        client.on(events.INCOMING_CALL)(dispatcher.dispatch)
        yield simulator


class Crew:
    """Starts workers, each a process.

    Args:
      folder: where they leave word.
      redis: where they get calls.
      simulator: of which.
    """

    def __init__(self, folder: Path, redis: RedisServer, simulator: Simulator) -> None:
        self._folder = folder
        self._redis = redis
        self._simulator = simulator

    @asynccontextmanager
    async def worker(self, does: Callable[[Task], None]) -> AsyncIterator[ForkedProcess]:
        """A worker that serves."""
        task = Task(
            exchange=self._simulator.config.base_url,
            redis=self._redis.url,
            key=KEY,
            serves=self._folder / f"{does.__name__} serves",
            has_call=self._folder / "has a call",
        )
        process = ForkedProcess(does, task)
        async with running(process):
            await until(task.serves.exists)
            yield process

    async def wait_call(self) -> None:
        """Wait until one has a call."""
        await until((self._folder / "has a call").exists)


async def until(is_so: Callable[[], bool]) -> None:
    with trio.fail_after(25):
        while not is_so():  # noqa: ASYNC110  # another process does it
            await trio.sleep(0.02)


async def test_one_that_is_killed_before_it_has_opened_a_call(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with desk(redis_server) as simulator:
        crew = Crew(tmp_path, redis_server, simulator)
        async with crew.worker(think) as first:
            call = simulator.place_call()
            await crew.wait_call()
            async with crew.worker(answer):
                await trio.sleep(1.5)
                # As long as the first one lives the call is its own.
                assert call.caller.state is PhoneState.CALLING
                await first.kill()
                with trio.fail_after(PATIENCE_SECONDS):
                    await call.caller.wait_talking()
                call.caller.hang_up()
                await call.wait_ended()


@pytest.mark.parametrize(("wire", "second_media"), [("first", "refuse"), ("second", "replace")])
async def test_one_that_is_killed_while_it_opens_a_call(
    redis_server: RedisServer,
    tmp_path: Path,
    wire: WireName,
    second_media: Literal["refuse", "replace"],
) -> None:
    async with desk(redis_server, wire, second_media) as simulator:
        crew = Crew(tmp_path, redis_server, simulator)
        async with crew.worker(die_while_opening) as first:
            call = simulator.place_call()
            await until(lambda: first.has_crashed)
            async with crew.worker(answer):
                with trio.fail_after(PATIENCE_SECONDS):
                    await call.caller.wait_talking()
                call.caller.hang_up()
                await call.wait_ended()
