"""The redis-server that tests start: that it can be spoken to, and comes back on its port."""

from __future__ import annotations

import pytest
import trio

from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.pure]


async def ask(server: RedisServer, command: str) -> bytes:
    """Send one command as a person would who uses telnet."""
    stream = await trio.open_tcp_stream("127.0.0.1", server.port)
    async with stream:
        await stream.send_all(f"{command}\r\n".encode())
        return bytes(await stream.receive_some())


async def test_it_comes_back_empty_on_its_port(redis_server: RedisServer) -> None:
    port = redis_server.port
    assert await ask(redis_server, "SET name value") == b"+OK\r\n"
    assert await ask(redis_server, "EXISTS name") == b":1\r\n"
    await redis_server.restart()
    assert redis_server.port == port
    assert await ask(redis_server, "EXISTS name") == b":0\r\n"


async def test_it_answers_nothing_while_paused(redis_server: RedisServer) -> None:
    redis_server.pause()
    with trio.move_on_after(0.2) as patience:
        await ask(redis_server, "PING")
    assert patience.cancelled_caught
    redis_server.resume()
    assert await ask(redis_server, "PING") == b"+PONG\r\n"
