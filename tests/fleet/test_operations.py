"""What the directory asks of Redis: the page on planning quotes it."""

from __future__ import annotations

import coredis
import pytest
import trio

from docs.planning_figures import COMMANDS_A_CALL
from tests.support.fleets import Worker, open_worker, talk
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.pure]

_CALLS = 10


async def count_commands(redis: coredis.Redis[bytes]) -> int:
    told = await redis.info("stats")
    return int(str(told["total_commands_processed"]))


async def have_a_call(worker: Worker) -> None:
    """Be answered, and hang up, so that Redis is told of each."""
    call = worker.place_call()
    await call.caller.wait_talking()
    await trio.sleep(0.1)
    call.caller.hang_up()
    await call.wait_ended()
    await trio.sleep(0.1)


async def test_a_call_takes_so_many_commands(redis_server: RedisServer) -> None:
    # A lease that is not renewed meanwhile.
    async with (
        open_worker(redis_server, talk, lease_seconds=600) as worker,
        coredis.Redis(host="127.0.0.1", port=redis_server.port) as redis,
    ):
        before = await count_commands(redis)
        for _ in range(_CALLS):
            await have_a_call(worker)
        commands = (await count_commands(redis) - before) / _CALLS
    assert commands == pytest.approx(COMMANDS_A_CALL, rel=0.3)
