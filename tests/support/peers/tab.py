"""Browser tabs, as far as a server can tell: they speak the page's protocol, and nothing else."""

from __future__ import annotations

import json
import math
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import trio
from starlette.types import ASGIApp
from trio_websocket import ConnectionClosed, wrap_client_stream

from trio_calls.audio import find, frame_bytes
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.simulator import Simulator
from trio_calls.simulator.exchange.admission import HostNames
from trio_calls.web._admission import PageAdmission
from trio_calls.web._app import make_app
from trio_calls.web._recordings import Recordings
from trio_calls.web._switchboard import Switchboard, open_switchboard

TOKEN: Final = "the-token"
HOST: Final = "127.0.0.1:4242"
ORIGIN: Final = f"http://{HOST}"


class Refused(Exception):
    """The server has not let a tab in."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Tab:
    """A tab. It answers pings, unless it is `asleep`.

    Attributes:
      messages: what it was told, oldest first, without pings.
      heard: what it has heard.
      frame_times: when each frame of that has come.
      close_code: why the server has closed the connection; None: it has not.
    """

    def __init__(self, send: Callable[[str | bytes], None], sample_rate: int = 24000) -> None:
        self.messages: list[dict[str, Any]] = []
        self.heard = bytearray()
        self.frame_times: list[float] = []
        self.close_code: int | None = None
        self.is_asleep = False
        self._send = send
        self._frame_bytes = frame_bytes(sample_rate)
        self._news = Wakeup()
        self._read = 0

    def receive(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.heard += message
            self.frame_times.append(trio.current_time())
        elif (told := json.loads(message))["type"] != "ping":
            self.messages.append(told)
        elif not self.is_asleep:
            self.send("pong", n=told["n"])
        self._news.wake()

    def closed(self, code: int) -> None:
        self.close_code = code
        self._news.wake()

    def send(self, kind: str, **members: Any) -> None:
        self._send(json.dumps({"type": kind, **members}))

    def send_raw(self, message: str | bytes) -> None:
        self._send(message)

    async def speak(self, pcm: bytes) -> None:
        """Say something as a microphone does, 20 ms at a time."""
        for start in range(0, len(pcm), self._frame_bytes):
            self._send(pcm[start : start + self._frame_bytes])
            await trio.sleep(0.02)

    async def wait(self, kind: str, **members: Any) -> dict[str, Any]:
        """Wait for the next message of a kind, with these members. Those before it are passed."""
        with trio.fail_after(100):
            while True:
                while self._read < len(self.messages):
                    message = self.messages[self._read]
                    self._read += 1
                    if message["type"] == kind and message.items() >= members.items():
                        return message
                assert self.close_code is None, f"closed before {kind} {members} came"
                await self._news.wait()

    async def wait_closed(self) -> int:
        while self.close_code is None:
            await self._news.wait()
        return self.close_code

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]


def hears(tab: Tab, sound: bytes) -> bool:
    """Return whether a tab has heard a sound."""
    return find(sound, bytes(tab.heard)).correlation > 0.95


class TabInMemory(Tab):
    """A tab without a socket: the application is called as a server would call it."""

    def __init__(self) -> None:
        self._to_app, self._from_tab = trio.open_memory_channel[dict[str, Any]](math.inf)
        super().__init__(self._put)
        self.accepted = trio.Event()
        self.refusal: Refused | None = None
        self._reading = trio.Event()
        self._reading.set()
        self._status = 0

    def stop_reading(self) -> None:
        """Let what is sent wait, as a connection does whose other end is stuck."""
        self._reading = trio.Event()

    def read_on(self) -> None:
        self._reading.set()

    def leave(self) -> None:
        self._to_app.send_nowait({"type": "websocket.disconnect", "code": 1006})

    def _put(self, message: str | bytes) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        self._to_app.send_nowait({"type": "websocket.receive", kind: message})

    async def run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._to_app.send_nowait({"type": "websocket.connect"})
        await app(scope, self._from_tab.receive, self._take)

    async def _take(self, message: Any) -> None:
        match message["type"]:
            case "websocket.accept":
                self.accepted.set()
            case "websocket.send":
                await self._reading.wait()
                self.receive(message.get("bytes") or message["text"])
            case "websocket.close":
                self.closed(message["code"])
            case "websocket.http.response.start":
                self._status = message["status"]
            case "websocket.http.response.body":
                self.refusal = Refused(self._status, message["body"].decode())
                self.accepted.set()


class Browser:
    """Opens tabs and fetches files, in memory."""

    def __init__(
        self,
        app: ASGIApp,
        switchboard: Switchboard,
        recordings: Recordings,
        admission: PageAdmission,
        nursery: trio.Nursery,
    ) -> None:
        self.switchboard = switchboard
        self.recordings = recordings
        self.admission = admission
        self._app = app
        self._nursery = nursery

    async def open_tab(self, **changes: str | None) -> TabInMemory:
        """Open a tab, and wait until it is greeted.

        Args:
          changes: what is otherwise in the request: host, origin, token; None: left out.
        """
        tab = TabInMemory()
        scope = _scope("websocket", "/ws", {"host": HOST, "origin": ORIGIN, **changes})
        self._nursery.start_soon(tab.run, self._app, scope)
        await tab.accepted.wait()
        if tab.refusal is not None:
            raise tab.refusal
        await tab.wait("hello")
        return tab

    async def get(self, path: str, **changes: str | None) -> tuple[int, dict[str, str], bytes]:
        """Fetch something.

        Args:
          path: its path.
          changes: what is otherwise in the request: method, token, a header; None: left out.

        Returns:
          The status, the headers by lower-case name, and the body.
        """
        answers: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            answers.append(message)

        await self._app(_scope("http", path, {"host": HOST, **changes}), receive, send)
        headers = {name.decode().lower(): value.decode() for name, value in answers[0]["headers"]}
        return answers[0]["status"], headers, b"".join(part["body"] for part in answers[1:])


def _scope(kind: str, path: str, request: dict[str, str | None]) -> dict[str, Any]:
    token = request.pop("token", TOKEN)
    method = request.pop("method", "GET")
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "method": method,
        "scheme": "ws" if kind == "websocket" else "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"" if token is None else f"token={token}".encode(),
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in request.items() if v is not None],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }


@asynccontextmanager
async def open_browser(simulator: Simulator, **page: Any) -> AsyncIterator[Browser]:
    """Serve phones for a simulator in memory, for the duration of the block."""
    recordings = Recordings()
    admission = PageAdmission(TOKEN, HostNames(["127.0.0.1"]))
    async with (
        open_switchboard(simulator, recordings, **page) as switchboard,
        trio.open_nursery() as nursery,
    ):
        app = make_app(switchboard, recordings, admission, simulator.config.sample_rate)
        yield Browser(app, switchboard, recordings, admission, nursery)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def open_tab_by_socket(
    url: str, *, ssl_context: ssl.SSLContext | None = None, reads: bool = True
) -> AsyncIterator[Tab]:
    """Open the WebSocket of a page, whose address this is.

    Args:
      url: the address of the page, with its token.
      ssl_context: trusts its certificate.
      reads: whether it reads what it is sent; a tab that is stuck does not.
    """
    parts = urlsplit(url)
    outgoing, to_send = trio.open_memory_channel[str | bytes](math.inf)
    tab = Tab(outgoing.send_nowait)

    async def write() -> None:
        with suppress(ConnectionClosed):
            async for message in to_send:
                await connection.send_message(message)

    async def read() -> None:
        try:
            while reads:
                tab.receive(await connection.get_message())
        except ConnectionClosed as closed:
            tab.closed(closed.reason.code if closed.reason else 1006)

    with plain_single_error():
        async with trio.open_nursery() as nursery, await _connect(url, ssl_context) as stream:
            connection = await wrap_client_stream(
                nursery,
                stream,
                parts.netloc,
                f"/ws?{parts.query}",
                extra_headers=[(b"origin", f"{parts.scheme}://{parts.netloc}".encode())],
                message_queue_size=1,
            )
            nursery.start_soon(read)
            nursery.start_soon(write)
            try:
                yield tab
            finally:
                with trio.move_on_after(0.5, shield=True):
                    await connection.aclose()
                nursery.cancel_scope.cancel()


PageStream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


async def _connect(url: str, ssl_context: ssl.SSLContext | None) -> PageStream:
    parts = urlsplit(url)
    plain = trio.socket.socket()
    # The system takes little for who does not read.
    plain.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
    await plain.connect(("127.0.0.1", parts.port))
    stream = trio.SocketStream(plain)
    if ssl_context is None:
        return stream
    return trio.SSLStream(
        stream, ssl_context, server_hostname=parts.hostname, https_compatible=True
    )
