"""The way to a server: its address, the headers to ask with, and the stream to it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import SplitResult, urlsplit

import trio

from trio_calls._quoting import printable
from trio_calls.concurrency.error_groups import first_error
from trio_calls.config import StreamOpener
from trio_calls.transport._handshake_stream import drop, raise_broken
from trio_calls.transport._interface import HostUnreachable, WebSocketError
from trio_calls.transport._tls_stream import TLSStream

_MAX_ERROR_LENGTH: Final = 200


def split_url(url: str) -> SplitResult:
    """Take an address apart. A call's comes from the exchange, so nothing is taken for granted.

    Raises:
      WebSocketError: it is not the address of a WebSocket.
    """
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
    """Raise `WebSocketError` if a header holds what could end it early."""
    together = "".join(f"{name}{value}" for name, value in headers.items())
    if not (together.isascii() and together.isprintable()):
        raise WebSocketError("a header that is to be sent is not printable ASCII")


def port_of(parts: SplitResult) -> int:
    """Return the port of an address, or the usual one where it names none."""
    return parts.port or (443 if parts.scheme == "wss" else 80)


async def open_byte_stream(
    parts: SplitResult, ssl_context: ssl.SSLContext | None, open_stream: StreamOpener | None
) -> trio.abc.Stream:
    """Open the stream under a WebSocket, with TLS for ``wss://``."""
    stream = await open_tcp_stream(parts, open_stream)
    if parts.scheme != "wss":
        return stream
    return await start_tls(parts, stream, ssl_context)


async def open_tcp_stream(
    parts: SplitResult, open_stream: StreamOpener | None = None
) -> trio.abc.Stream:
    """Open a stream to the host and port of an address.

    Raises:
      HostUnreachable: that is not possible.
    """
    stream: object = None
    failure: Exception | None = None
    try:
        stream = await (open_stream or trio.open_tcp_stream)(parts.hostname or "", port_of(parts))
    except* Exception as errors:
        # Proxies break, names are looked up in threads, and an opener may have any error.
        failure = first_error(errors)
    if failure is not None:
        try:
            raise HostUnreachable(describe(failure)) from failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure
    if not isinstance(stream, trio.abc.Stream):
        raise HostUnreachable(f"open_stream returned no Stream, but a {type(stream).__name__}")
    return stream


def describe(error: Exception) -> str:
    """Return what went wrong: the words of the system, or the class of any other error and its."""
    text = printable(str(error), _MAX_ERROR_LENGTH)
    if isinstance(error, OSError) and text:
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


async def start_tls(
    parts: SplitResult, stream: trio.abc.Stream, ssl_context: ssl.SSLContext | None
) -> TLSStream:
    """Shake hands for TLS, and verify that the server is the host of an address.

    Args:
      parts: the address.
      stream: the stream to the server; closed if this fails.
      ssl_context: verifies the server; None for the authorities of the system.

    Raises:
      TLSFailed: the server could not be verified, it refused our certificate, or speaks no TLS.
      WebSocketError: the connection broke.
    """
    async with AsyncExitStack() as on_failure:
        on_failure.push_async_callback(drop, stream)
        context = ssl_context or ssl.create_default_context()
        tls_stream = TLSStream(stream, context, _name_in_certificate(parts.hostname or ""))
        try:
            await tls_stream.do_handshake()
        except trio.BrokenResourceError as error:
            raise_broken(error)
        on_failure.pop_all()
    return tls_stream


def _name_in_certificate(host: str) -> str:
    """Return how certificates, and servers that have several, name a host.

    Without the dot that says that a name is complete, and without the interface of an address.
    """
    is_address = ":" in host
    return host.partition("%")[0] if is_address else host.removesuffix(".")
