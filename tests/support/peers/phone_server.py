"""A server for the phone's page that does what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

import trio_calls

STATIC = Path(trio_calls.__file__).parent / "web" / "static"
TOKEN = "a-token"
# What the server of the package promises, too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; media-src 'self' blob:"
)
FAULTS = [
    {"name": "cut_media", "title": "Cut the media connection"},
    {"name": "stall", "title": "Stall the agent's audio"},
]


@attrs.define
class Tab:
    """What one page sends, and the way to it.

    Attributes:
      audio: what its microphone said.
      left: set when the page has closed its WebSocket.
    """

    socket: WebSocket
    audio: bytearray = attrs.field(factory=bytearray)
    left: trio.Event = attrs.field(factory=trio.Event)
    _sent: trio.MemorySendChannel[dict[str, Any]] = attrs.field(init=False)
    _received: trio.MemoryReceiveChannel[dict[str, Any]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sent, self._received = trio.open_memory_channel[dict[str, Any]](100)

    async def tell(self, kind: str, **members: object) -> None:
        await self.socket.send_json({"type": kind, **members})

    async def call(self, state: str, role: str = "caller", mode: str | None = None) -> None:
        ending = "the caller hung up" if state == "DISCONNECTED" else None
        await self.tell("call", call_id="1", role=role, state=state, mode=mode, ending=ending)

    async def play(self, pcm: bytes, frame_bytes: int = 960) -> None:
        """Send audio at the speed at which it plays."""
        began = trio.current_time()
        for index, start in enumerate(range(0, len(pcm), frame_bytes)):
            await trio.sleep_until(began + 0.02 * index)
            await self.socket.send_bytes(pcm[start : start + frame_bytes])

    async def asked(self) -> dict[str, Any]:
        """Wait for the page's next message."""
        with trio.fail_after(5):
            return await self._received.receive()

    async def listen(self) -> None:
        try:
            while True:
                message = await self.socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                if pcm := message.get("bytes"):
                    self.audio += pcm
                elif (said := json.loads(message["text"]))["type"] != "pong":
                    self._sent.send_nowait(said)
        except WebSocketDisconnect:
            pass
        self.left.set()


@attrs.define
class PhoneServer:
    """The server: a page, and a `Tab` for each that opens it."""

    port: int
    is_valid: bool = True
    _arrived: trio.MemorySendChannel[Tab] = attrs.field(init=False)
    _tabs: trio.MemoryReceiveChannel[Tab] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._arrived, self._tabs = trio.open_memory_channel[Tab](100)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/?token={TOKEN}"

    async def tab(self, number: str = "+65 9111 0000", dial: str = "+65 6222 0000") -> Tab:
        """Wait for the next page that connects, and greet it."""
        with trio.fail_after(10):
            tab = await self._tabs.receive()
        await tab.tell(
            "hello",
            sample_rate=24000,
            number=number,
            dial=dial,
            faults=FAULTS,
            agent="receptionist.py",
        )
        return tab

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/recording.wav", self._recording),
                WebSocketRoute("/ws", self._serve_tab),
                Mount("/static", StaticFiles(directory=STATIC)),
            ]
        )

    async def _page(self, request: Request) -> Response:
        if not self.is_valid or request.query_params.get("token") != TOKEN:
            return Response("no such token", 403)
        return FileResponse(STATIC / "index.html", headers={"Content-Security-Policy": POLICY})

    async def _recording(self, request: Request) -> Response:
        return FileResponse(Path("examples/speech/greeting.wav"))

    async def _serve_tab(self, socket: WebSocket) -> None:
        if not self.is_valid:
            await socket.close()
            return
        await socket.accept()
        tab = Tab(socket)
        self._arrived.send_nowait(tab)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, tab)
            await tab.listen()
            nursery.cancel_scope.cancel()

    async def _ping(self, tab: Tab) -> None:
        for n in range(1_000_000):
            await trio.sleep(2)
            await tab.tell("ping", n=n)


@asynccontextmanager
async def open_phone_server(port: int = 0) -> AsyncIterator[PhoneServer]:
    """Serve the page on a port of this machine."""
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 0.1
    server = PhoneServer(port)
    async with trio.open_nursery() as nursery:
        over = trio.Event()

        async def run(*, task_status: trio.TaskStatus[list[str]]) -> None:
            await serve(server.app(), config, shutdown_trigger=over.wait, task_status=task_status)  # type: ignore[arg-type]

        (bound,) = await nursery.start(run)
        server.port = int(bound.rpartition(":")[2])
        yield server
        over.set()
        nursery.cancel_scope.deadline = trio.current_time() + 2
