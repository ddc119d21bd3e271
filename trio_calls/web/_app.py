"""The web application: the page, its files, the recordings, and a WebSocket for each tab."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from trio_calls.web._admission import PageAdmission
from trio_calls.web._recordings import Recordings
from trio_calls.web._switchboard import Switchboard
from trio_calls.web._tab import Tab

_PAGE: Final = "index.html"
_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")

#: Nothing comes from elsewhere, and nothing goes there. Recordings are played from this server.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "worker-src 'self'",
        "connect-src 'self' {socket}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self)",
    # The address holds the token.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def make_app(
    switchboard: Switchboard, recordings: Recordings, admission: PageAdmission, sample_rate: int
) -> ASGIApp:
    """Make the application.

    Args:
      switchboard: connects the tabs.
      recordings: the recordings to serve.
      admission: checks every request.
      sample_rate: the sample rate of all audio, in Hz.
    """
    pages = _Pages(recordings, admission)

    async def serve_tab(websocket: WebSocket) -> None:
        scheme = "https" if websocket.url.scheme == "wss" else "http"
        refusal = None
        if not admission.is_own_page(websocket.headers, scheme):
            refusal = "Only the page of this server may connect."
        elif not admission.has_token(websocket.query_params):
            refusal = _NO_TOKEN
        elif switchboard.is_full:
            refusal = "Too many tabs are open."
        if refusal is not None:
            await websocket.send_denial_response(PlainTextResponse(refusal, 403))
            return
        await websocket.accept()
        abort = websocket.scope.get("state", {}).get("abort", _cannot_abort)
        await Tab(websocket, switchboard, abort, sample_rate).run()

    app = Starlette(
        routes=[
            Route("/", pages.page),
            Route("/once/{ticket}", pages.once),
            Route("/static/{path:path}", pages.static),
            Route("/recordings/{name}", pages.recording),
        ]
    )
    return _Guard(app, serve_tab, admission)


_NO_TOKEN: Final = "Open the address that the terminal shows: it ends with a token."
_USED_UP: Final = f"This address was good for once. {_NO_TOKEN}"


class _Pages:
    def __init__(self, recordings: Recordings, admission: PageAdmission) -> None:
        self._recordings = recordings
        self._admission = admission
        self._files = dict(_read_files(files("trio_calls.web") / "static"))

    async def page(self, request: Request) -> Response:
        if not self._admission.has_token(request.query_params):
            return PlainTextResponse(_NO_TOKEN, 403)
        return self._file(_PAGE)

    async def once(self, request: Request) -> Response:
        # To ask with HEAD, as some do before they open a page, uses nothing up.
        if request.method != "GET" or not self._admission.tickets.redeem(
            request.path_params["ticket"]
        ):
            return PlainTextResponse(_USED_UP, 403)
        return RedirectResponse(f"/?token={self._admission.token}", 303)

    async def static(self, request: Request) -> Response:
        return self._file(request.path_params["path"])

    async def recording(self, request: Request) -> Response:
        if not self._admission.has_token(request.query_params):
            return PlainTextResponse(_NO_TOKEN, 403)
        content = self._recordings.get(request.path_params["name"])
        if content is None:
            return PlainTextResponse("There is no such recording, or no longer.", 404)
        return _ranged(content, request.headers, "audio/wav")

    def _file(self, path: str) -> Response:
        content = self._files.get(path)
        if content is None:
            return PlainTextResponse("There is nothing here.", 404)
        return Response(content, media_type=_media_type(path))


class _Guard:
    """Refuses what is for another server, and gives every answer the headers of safety."""

    def __init__(
        self,
        app: ASGIApp,
        serve_tab: Callable[[WebSocket], Awaitable[None]],
        admission: PageAdmission,
    ) -> None:
        self._app = app
        self._serve_tab = serve_tab
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._guard(MutableHeaders(raw=message["headers"]), scope, headers.get("host", ""))
            await send(message)

        is_known = self._admission.knows_host(headers)
        if scope["type"] == "websocket":
            # Not through Starlette's router: every message would pass through four functions more.
            websocket = WebSocket(scope, receive, send)
            if is_known and scope["path"] == "/ws":
                await self._serve_tab(websocket)
            else:
                await websocket.send_denial_response(PlainTextResponse(_WRONG_HOST, 403))
        elif is_known:
            await self._app(scope, receive, send_guarded)
        else:
            await PlainTextResponse(_WRONG_HOST, 421)(scope, receive, send_guarded)

    def _guard(self, response: MutableHeaders, scope: Scope, host: str) -> None:
        for name, value in _HEADERS.items():
            response[name] = value
        scheme = "wss" if scope["scheme"] == "https" else "ws"
        # Not all browsers take a WebSocket to the page's own server for 'self'.
        is_known = self._admission.host_names.has(host)
        socket = f"{scheme}://{host}" if is_known else ""
        response["Content-Security-Policy"] = _POLICY.format(socket=socket).strip()


_WRONG_HOST: Final = "There is nothing here, or not by that name."


def _cannot_abort() -> None:
    """Do nothing: without a socket nothing gets stuck in writing to it."""


def _read_files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read_files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()


def _media_type(path: str) -> str:
    # Some systems' tables know JavaScript by another name, which browsers do not run.
    if path.endswith((".js", ".mjs")):
        return "text/javascript"
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _ranged(content: bytes, headers: Mapping[str, str], media_type: str) -> Response:
    """Answer with all of a file, or with the one range that is asked for: players seek so."""
    accepts = {"Accept-Ranges": "bytes"}
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None:
        return Response(content, media_type=media_type, headers=accepts)
    start, end = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
    if start > end:
        unsatisfied = {"Content-Range": f"bytes */{len(content)}"}
        return Response(status_code=416, headers=unsatisfied)
    accepts["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return Response(content[start : end + 1], 206, media_type=media_type, headers=accepts)
