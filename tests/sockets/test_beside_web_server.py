"""The program of the page "Run it in production": calls beside a web server."""

import re
import signal
import sys
import textwrap
from pathlib import Path

import pytest
import trio

from tests.support.phone_calls import A, D, P
from tests.support.processes import running, settings_of
from tests.support.transports import on_one_transport
from trio_calls.simulator import open_simulator

# The agent is another process, which picks its transport itself.
pytestmark = [on_one_transport, pytest.mark.slow]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "deploy.rst"

PROGRAM = """
import logging
from functools import partial

import hypercorn.config
import hypercorn.trio
import trio

from trio_calls import ActiveCall, ClientConfig, serve_calls


async def app(scope, receive, send):
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})


async def handle_call(call: ActiveCall) -> None:
    await call.answer()
    await call.wait_disconnected()


logging.basicConfig(level=logging.INFO)
config = ClientConfig.from_env()
web_config = hypercorn.config.Config()
web_config.bind = ["127.0.0.1:0"]
"""


def program_of_the_page() -> str:
    section = PAGE.read_text(encoding="utf-8").split("Beside a web server\n---")[1]
    block = re.search(r"code-block:: python\n\n((?:   .*\n|\n)+)", section)
    assert block is not None
    run = 'trio.run(serve_calls_and_pages)\nprint("ended", flush=True)\n'
    return f"{PROGRAM}\n\n{textwrap.dedent(block[1])}\n\n{run}"


async def ask(port: int) -> bytes:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        return b"".join([piece async for piece in stream])


async def test_pages_are_served_until_the_calls_are_over(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(program_of_the_page())
    async with open_simulator(port=0) as simulator:
        variables = settings_of(simulator.config)
        async with running(variables=variables, program=(sys.executable, str(script))) as program:
            port = int((await program.wait_for(r"Running on http://127\.0\.0\.1:(\d+)"))[1])
            call = simulator.place_call()
            with trio.fail_after(25):
                await call.caller.wait_talking()
            program.send_signal(signal.SIGTERM)
            await program.wait_for("SIGTERM: no new calls")
            assert b"\r\nwell\r\n" in await ask(port)
            call.caller.hang_up()
            assert await program.wait_status() == 0
            assert program.output.splitlines()[-1] == "ended"
        assert call.agent_states == [P, A, D]
        assert simulator.violations == []
