"""The program of the page "See a fleet", with a real Redis."""

from __future__ import annotations

import pytest
import trio

from tests.docs.test_voice_pages import load
from tests.support.fleets import has_call, view_once
from tests.support.redis_server import RedisServer
from trio_calls.fleet import Fleet
from trio_calls.simulator import open_simulator

pytestmark = [pytest.mark.slow, pytest.mark.pure]

program = load("fleet")


async def test_long_calls_are_closed(redis_server: RedisServer) -> None:
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        nursery.start_soon(program.serve, simulator.config, redis_server.url)
        call = simulator.place_call()
        await view_once(Fleet(redis_server.url), has_call("ANSWERED"))
        await program.close_long_calls(redis_server.url, 3600.0)
        assert not call.ended
        await program.close_long_calls(redis_server.url, 0.0)
        await call.caller.wait_hung_up()
        nursery.cancel_scope.cancel()
