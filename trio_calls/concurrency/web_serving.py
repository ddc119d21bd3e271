"""Serving web pages: Hypercorn on sockets of ours, in a nursery of ours.

Hypercorn's `serve` is not enough here. It sends inside a shield: a peer that reads nothing, such as
a tab that the browser has put to sleep, keeps it, and whoever cancels it, for as long as it likes.
So each stream is known here, and closed when its time is up. That ends the sending.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from trio_calls.concurrency.error_groups import plain_single_error

#: How long connections may take to say goodbye.
CLOSING_SECONDS: Final = 2.0

#: How long a request or a handshake may take to come.
_PATIENCE_SECONDS: Final = 10.0

#: What the system takes for a connection that does not read: little more than a second of audio.
_SEND_BUFFER_BYTES: Final = 2**16

_MAX_MESSAGE_BYTES: Final = 2**16

_SslStream = trio.SSLStream[trio.SocketStream]
Stream = trio.SocketStream | _SslStream


@asynccontextmanager
async def serve(
    app: Callable[..., Any],
    listeners: list[trio.SocketListener],
    tls: ssl.SSLContext | None = None,
    *,
    error_log: str,
    wrap: Callable[[Stream], Any] | None = None,
) -> AsyncIterator[None]:
    """Serve an application for the duration of the block.

    Leaving the block, also by cancellation, closes every connection within `CLOSING_SECONDS`.

    Args:
      app: an ASGI application.
      listeners: of the sockets to serve on.
      tls: the certificate to serve with; None for plain HTTP.
      error_log: the name of the logger for what goes wrong.
      wrap: makes the stream that Hypercorn gets of each that comes in; None: it gets that.
    """
    server = _Server(app, error_log, wrap)
    for listener in listeners:
        listener.socket.setsockopt(
            trio.socket.SOL_SOCKET, trio.socket.SO_SNDBUF, _SEND_BUFFER_BYTES
        )
    with plain_single_error():
        async with trio.open_nursery() as nursery:
            if tls is None:
                nursery.start_soon(trio.serve_listeners, server.serve, listeners)
            else:
                secured = [trio.SSLListener(one, tls, https_compatible=True) for one in listeners]
                nursery.start_soon(trio.serve_listeners, server.serve, secured)
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()
                nursery.start_soon(server.close_late)


class _Server:
    def __init__(
        self, app: Callable[..., Any], error_log: str, wrap: Callable[[Stream], Any] | None
    ) -> None:
        # It has types of its own for what the specification of ASGI says.
        self._app = ASGIWrapper(cast(ASGIFramework, app))
        self._context = WorkerContext(None)
        self._config = _configure(error_log)
        self._wrap = wrap
        self._streams: set[Stream] = set()
        self._all_closed = trio.Event()

    async def serve(self, stream: Stream) -> None:
        """Serve one connection until it is over."""

        def abort() -> None:
            _socket_of(stream).close()

        state = ConnectionState({"abort": abort})
        self._streams.add(stream)
        try:
            await TCPServer(
                self._app,
                self._config,
                self._context,
                state,
                cast(_SslStream, stream if self._wrap is None else self._wrap(stream)),
            )
        finally:
            self._streams.discard(stream)
            if not self._streams:
                self._all_closed.set()

    async def close_late(self) -> None:
        """Close what is still open when the time is up."""
        self._all_closed = trio.Event()
        if self._streams:
            with trio.move_on_after(CLOSING_SECONDS, shield=True):
                await self._all_closed.wait()
        for stream in self._streams:
            _socket_of(stream).close()


def _socket_of(stream: Stream) -> trio.socket.SocketType:
    return (stream.transport_stream if isinstance(stream, trio.SSLStream) else stream).socket


def _configure(error_log: str) -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger(error_log)
    config.include_server_header = False
    config.ssl_handshake_timeout = _PATIENCE_SECONDS
    config.websocket_max_message_size = _MAX_MESSAGE_BYTES
    return config
