"""The servers that are measured, each a process: `python -m benchmarks.phone.servers NAME CALLS`.

- `floor`: Hypercorn and Starlette alone, which send back what comes.
- `calls`: simulator and echo agent, with callers inside the process, and no page.
- `page`: the same, with callers in tabs.

Each prints its address in a line, and ends with its standard input.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

import trio
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from trio_calls import ActiveCall
from trio_calls.audio import noise
from trio_calls.concurrency.web_serving import serve
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.testing import run_agent
from trio_calls.web._page import open_phone_page
from trio_calls.web._plain_handshake import PlainHandshakeStream

RATE: Final = 24000
_SPEECH_SECONDS: Final = 120.0


async def _floor(calls: int) -> None:
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_bytes(await websocket.receive_bytes())
        except WebSocketDisconnect:
            return

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    app = Starlette(routes=[WebSocketRoute("/ws", echo)])
    async with serve(app, listeners, error_log="trio_calls.web.http", wrap=PlainHandshakeStream):
        await _serve_until_eof(f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/?token=x")


async def _calls(calls: int) -> None:
    async with _exchange() as simulator:
        speech = noise(_SPEECH_SECONDS, RATE, 1)
        for _ in range(calls):
            simulator.place_call().caller.say_nowait(speech)
        await _serve_until_eof("-")


async def _page(calls: int) -> None:
    async with _exchange() as simulator, open_phone_page(simulator) as page:
        await _serve_until_eof(page.url("127.0.0.1"))


@asynccontextmanager
async def _exchange() -> AsyncIterator[Simulator]:
    async def echo(call: ActiveCall) -> None:
        await call.answer()
        async for chunk in call.audio_stream():
            await call.send_audio(chunk)

    async with (
        open_simulator(sample_rate=RATE, keep_audio_seconds=1) as simulator,
        run_agent(echo, simulator),
    ):
        yield simulator
        simulator.end_all_calls()


async def _serve_until_eof(address: str) -> None:
    print(address, flush=True)
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as stdin:
        await stdin.receive_some(1)


SERVERS: Final[Mapping[str, Callable[[int], Awaitable[None]]]] = MappingProxyType(
    {"floor": _floor, "calls": _calls, "page": _page}
)

if __name__ == "__main__":
    trio.run(SERVERS[sys.argv[1]], int(sys.argv[2]))
