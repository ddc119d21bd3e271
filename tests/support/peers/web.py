"""Web clients: one without a socket, for ASGI applications, and one with it, for servers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs
import trio
from starlette.types import ASGIApp


@attrs.frozen
class Answer:
    """What an application has answered.

    Attributes:
      status: the HTTP status.
      headers: by their lower-case names.
      text: the body.
    """

    status: int
    headers: dict[str, str]
    text: str


async def get(app: ASGIApp, path: str, **headers: str) -> Answer:
    """Ask an application for a page."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], told, b"".join(part["body"] for part in sent[1:]).decode())


async def fetch(url: str) -> str:
    """Ask a real server for a page, and return its body. It must be there."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    async with await trio.open_tcp_stream(parts.hostname, parts.port) as stream:
        await stream.send_all(head.encode())
        answer = b"".join([piece async for piece in stream])
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200"), head
    return body
