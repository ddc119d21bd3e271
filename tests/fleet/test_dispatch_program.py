"""The program of the page "Dispatch calls to many workers", and what a call costs there."""

from __future__ import annotations

import re

import pytest
import trio

from tests.docs.test_voice_pages import load
from tests.support.dispatch import KEY
from tests.support.redis_server import RedisServer
from trio_calls.simulator import open_simulator

pytestmark = [pytest.mark.slow, pytest.mark.pure]

dispatching = load("dispatch")

#: Of a call: it is put on the stream, it is marked, and it is taken off.
SCRIPTS = 3


async def commands_of(redis: RedisServer) -> dict[str, int]:
    """Ask how often each command was sent."""
    stream = await trio.open_tcp_stream("127.0.0.1", redis.port)
    async with stream:
        await stream.send_all(b"INFO commandstats\r\n")
        answer = b""
        with trio.move_on_after(0.5):
            while True:
                answer += await stream.receive_some()
    found = re.findall(r"cmdstat_(\w+):calls=(\d+)", answer.decode())
    return {name: int(calls) for name, calls in found}


async def test_its_program_answers_a_call(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_simulator(port=0) as simulator:
        monkeypatch.setattr(dispatching, "REDIS", redis_server.url)
        monkeypatch.setattr(dispatching, "KEY", KEY)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dispatching.dispatch, simulator.config)
            nursery.start_soon(dispatching.work, simulator.config)
            call = simulator.place_call()
            with trio.fail_after(15):
                await call.caller.wait_talking()
            call.caller.hang_up()
            await call.wait_ended()
            await trio.sleep(0.5)
            commands = await commands_of(redis_server)
            nursery.cancel_scope.cancel()
    # What reads and looks goes on all the time; the scripts are the call's own.
    assert commands["eval"] == SCRIPTS
