"""The way to a server: its address, the stream to it, and the headers to ask with."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from urllib.parse import SplitResult, urlsplit

import trio

from trio_calls.config import StreamOpener
from trio_calls.transport._guarded_stream import raise_broken
from trio_calls.transport._interface import HostUnreachable, WebSocketError
from trio_calls.transport._tls_stream import TLSStream


def split_url(url: str) -> SplitResult:
    """Take an address apart. A call's comes from the exchange, so nothing is taken for granted."""
    try:
        parts = urlsplit(url)
        is_usable = (
            parts.scheme in {"ws", "wss"}
            and bool(parts.hostname and parts.hostname.encode("idna"))
            and parts.port != 0
            and f"{parts.path}{parts.query}".isascii()
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        is_usable = False
    if not is_usable:
        raise WebSocketError("its address is not one of a WebSocket (ws:// or wss://)")
    return parts


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `WebSocketError` if something in headers could end one of them early."""
    together = "".join(f"{name}{value}" for name, value in headers.items())
    if not (together.isascii() and together.isprintable()):
        raise WebSocketError("a header that is to be sent is not printable ASCII")


async def open_byte_stream(
    parts: SplitResult, ssl_context: ssl.SSLContext | None, open_stream: StreamOpener | None
) -> trio.abc.Stream:
    """Open the stream under a WebSocket, with TLS for ``wss://``."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        stream = await (open_stream or trio.open_tcp_stream)(host, port)
    except OSError as error:
        raise HostUnreachable(str(error)) from error
    if parts.scheme != "wss":
        return stream
    tls_stream = TLSStream(stream, ssl_context or ssl.create_default_context(), host)
    async with AsyncExitStack() as on_failure:
        on_failure.push_async_callback(trio.aclose_forcefully, tls_stream)
        try:
            await tls_stream.do_handshake()
        except trio.BrokenResourceError as error:
            raise_broken(error)
        on_failure.pop_all()
    return tls_stream
