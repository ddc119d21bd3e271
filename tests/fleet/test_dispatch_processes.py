"""Workers that are processes, with a real Redis: what kill -9 does to a caller."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import trio

from tests.support.agent_files import agent_file
from tests.support.dispatch import KEY
from tests.support.processes import RunningCommand, running, settings_of
from tests.support.redis_server import RedisServer
from trio_calls import events, open_call_client
from trio_calls.fleet import open_dispatcher
from trio_calls.simulator import PhoneState, Simulator, open_simulator

pytestmark = [pytest.mark.slow]

#: What is 2 s by our clock, on a machine that is busy with other tests.
PATIENCE_SECONDS = 6

ANSWERS = """
async def handle_call(call):
    await call.answer()
    print("answered", flush=True)
    await call.wait_disconnected()
"""
THINKS = """
import trio

async def handle_call(call):
    print("thinks", flush=True)
    await trio.sleep(60)
"""
#: It is killed in the moment in which it opens the call's connection.
DIES = """
import os, signal, trio
from trio_calls.transport import _dial

async def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

async def handle_call(call):
    print("opens", flush=True)
    _dial.open_tcp_stream = die
    trio.open_tcp_stream = die
    await call.answer()
"""


@asynccontextmanager
async def desk(
    redis: RedisServer, second_media: Literal["refuse", "replace"] = "refuse"
) -> AsyncIterator[Simulator]:
    """An exchange, and a dispatcher for all its calls, in this process."""
    async with (
        open_simulator(port=0, second_media_connection=second_media) as simulator,
        open_dispatcher(simulator.config, redis.url, KEY) as dispatcher,
        open_call_client(simulator.config) as client,
    ):
        client.on(events.INCOMING_CALL)(dispatcher.dispatch)
        yield simulator


@asynccontextmanager
async def worker(
    folder: Path, source: str, redis: RedisServer, simulator: Simulator
) -> AsyncIterator[RunningCommand]:
    """A process that serves, once it does."""
    file = agent_file(folder, source, f"agent_{abs(hash(source))}.py")
    variables = {**settings_of(simulator.config), "WSS_DISPATCH_KEY": KEY}
    async with running("run", file, "--from-redis", redis.url, variables=variables) as process:
        await process.wait_for("serving the calls of the queue calls")
        yield process


async def test_one_that_is_killed_before_it_has_opened_a_call(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with (
        desk(redis_server) as simulator,
        worker(tmp_path, THINKS, redis_server, simulator) as first,
    ):
        call = simulator.place_call()
        await first.wait_for("thinks")
        async with worker(tmp_path, ANSWERS, redis_server, simulator) as second:
            await trio.sleep(1.5)
            assert call.caller.state is PhoneState.CALLING
            first.send_signal(signal.SIGKILL)
            with trio.fail_after(PATIENCE_SECONDS):
                await call.caller.wait_talking()
            # Whoever drains lets calls in progress go on.
            second.send_signal(signal.SIGTERM)
            await trio.sleep(0.5)
            assert not call.ended
            call.caller.hang_up()
            assert await second.wait_status() == 0
        assert KEY not in first.output + second.output


@pytest.mark.parametrize("second_media", ["refuse", "replace"])
async def test_one_that_is_killed_while_it_opens_a_call(
    redis_server: RedisServer, tmp_path: Path, second_media: Literal["refuse", "replace"]
) -> None:
    async with (
        desk(redis_server, second_media) as simulator,
        worker(tmp_path, DIES, redis_server, simulator) as first,
    ):
        call = simulator.place_call()
        await first.wait_for("opens")
        async with worker(tmp_path, ANSWERS, redis_server, simulator):
            with trio.fail_after(PATIENCE_SECONDS):
                await call.caller.wait_talking()
            call.caller.hang_up()
            await call.wait_ended()
