"""What the page "See a fleet" shows, with a real Redis: its program, and the rights of a user."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trio

from tests.docs.test_voice_pages import load
from tests.support.fleets import has_call, talk, view_once
from tests.support.redis_server import RedisServer
from trio_calls.fleet import Fleet, open_directory
from trio_calls.simulator import open_simulator
from trio_calls.testing import run_agent

pytestmark = [pytest.mark.slow, pytest.mark.pure]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "fleet.rst").read_text("utf-8")
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


async def test_the_rights_of_a_user_are_enough(redis_server: RedisServer) -> None:
    match = re.search(r"ACL SETUSER .+", PAGE)
    assert match is not None
    async with await trio.open_tcp_stream("127.0.0.1", redis_server.port) as stream:
        await stream.send_all(f"{match[0]}\r\n".encode())
        assert await stream.receive_some() == b"+OK\r\n"
    url = redis_server.url.replace("//", "//fleet:PASSWORD@").replace("/0", "/1")
    fleet = Fleet(url)
    async with (
        open_simulator() as simulator,
        run_agent(talk, simulator) as client,
        open_directory(client, url) as directory,
    ):
        call = simulator.place_call()
        await view_once(fleet, has_call("ANSWERED"))
        await fleet.close(call.call_id)
        await call.caller.wait_hung_up()
        async with fleet.follow(call.call_id) as events:
            assert len([event async for event in events]) == 3
        assert await fleet.drain(directory.worker_id) == 0
