"""Opening a WebSocket with one of the two libraries, in time or not at all."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Final, Literal, assert_never
from urllib.parse import SplitResult

import attrs
import trio

from trio_calls.concurrency.error_groups import first_error
from trio_calls.config import StreamOpener, TransportName
from trio_calls.transport import _trio_websocket
from trio_calls.transport._dial import check_headers, describe, open_byte_stream, split_url
from trio_calls.transport._handshake_stream import drop
from trio_calls.transport._interface import (
    HandshakeRequest,
    Rejection,
    WebSocket,
    WebSocketError,
)
from trio_calls.transport._plain_http import Answer, answer_plain_request

Decide = Callable[[HandshakeRequest], Rejection | None]


@attrs.frozen
class _Library:
    """How a WebSocket library shakes hands, as a client and as a server."""

    connect: Callable[
        [trio.Nursery, trio.abc.Stream, SplitResult, Mapping[str, str]], Awaitable[WebSocket]
    ]
    accept: Callable[
        [trio.Nursery, trio.abc.Stream, Decide, bytes],
        Awaitable[tuple[HandshakeRequest, WebSocket]],
    ]


_TRIO_WEBSOCKET: Final = _Library(_trio_websocket.connect, _trio_websocket.accept)

#: What ``auto`` is, where it is installed.
PREFERRED: Literal["websockets", "trio-websocket"] = "websockets"


def _find(transport: TransportName) -> _Library:
    name = PREFERRED if transport == "auto" else transport
    match name:
        case "trio-websocket":
            return _TRIO_WEBSOCKET
        case "websockets":
            return _find_websockets(is_wanted=transport != "auto")
        case _:
            assert_never(name)


def _find_websockets(*, is_wanted: bool) -> _Library:
    try:
        from trio_calls.transport import _websockets_handshake as handshake  # noqa: PLC0415
    except ImportError:
        if not is_wanted:
            return _TRIO_WEBSOCKET
        raise WebSocketError(
            "the transport 'websockets' is not installed: "
            "install the extra 'speedups' of trio-calls"
        ) from None
    return _Library(handshake.connect, handshake.accept)


@contextmanager
def failing_alone() -> Iterator[None]:
    """Let an attempt fail with `WebSocketError` only, whatever a library or a stream has raised.

    Only so is it the trouble of one connection, and not of all that run beside it.
    """
    failure: WebSocketError | None = None
    try:
        yield
    except* WebSocketError as failures:
        failure = first_error(failures)
    except* Exception as errors:
        failure = failure or WebSocketError(describe(first_error(errors)))
    if failure is not None:
        try:
            raise failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure


async def connect_websocket(
    nursery: trio.Nursery,
    url: str,
    *,
    headers: Mapping[str, str],
    ssl_context: ssl.SSLContext | None,
    open_stream: StreamOpener | None,
    within_seconds: float,
    transport: TransportName = "auto",
) -> WebSocket:
    """Open a WebSocket as a client. Redirects are refusals: nothing is ever sent to another host.

    Args:
      nursery: the connection's background tasks run here, until the connection is over.
      url: ``ws://`` or ``wss://``.
      headers: the headers to send with the handshake.
      ssl_context: verifies the server; needed for ``wss://``.
      open_stream: used in place of `trio.open_tcp_stream`.
      within_seconds: the time for everything up to the end of the handshake.
      transport: the library to use.

    Raises:
      HostUnreachable: no byte stream to the host.
      TLSFailed: the server could not be verified, or it refused our certificate.
      HandshakeRefused: the server answered with an HTTP status.
      WebSocketError: the handshake failed in another way, or took too long.

    Cancellation drops the connection at once.
    """
    library = _find(transport)
    parts = split_url(url)
    check_headers(headers)
    with failing_alone(), trio.move_on_after(within_seconds):
        stream = await open_byte_stream(parts, ssl_context, open_stream)
        async with AsyncExitStack() as on_failure:
            on_failure.push_async_callback(drop, stream)
            websocket = await library.connect(nursery, stream, parts, headers)
            on_failure.pop_all()
        return websocket
    raise WebSocketError(f"no answer within {within_seconds:g} s")


async def accept_websocket(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    decide: Decide,
    *,
    within_seconds: float,
    answer: Answer | None = None,
    transport: TransportName = "auto",
) -> tuple[HandshakeRequest, WebSocket]:
    """Open a WebSocket as a server, unless `decide` rejects it.

    Args:
      nursery: the connection's background tasks run here, until the connection is over.
      stream: the stream to the client.
      decide: returns None to accept what the client asks for, or else the rejection to send.
      within_seconds: the time for the handshake.
      answer: answers a request that wants no WebSocket. None: those are broken handshakes, too.
      transport: the library to use.

    Raises:
      HandshakeRefused: `decide` rejected it; the client was told, and the stream is closed.
      PlainRequestAnswered: it wanted no WebSocket, and has its answer; the stream is closed.
      WebSocketError: the handshake failed in another way, or took too long.

    Cancellation drops the connection at once.
    """
    library = _find(transport)
    with failing_alone(), trio.move_on_after(within_seconds):
        async with AsyncExitStack() as on_failure:
            on_failure.push_async_callback(drop, stream)
            received = b"" if answer is None else await answer_plain_request(stream, answer)
            opened = await library.accept(nursery, stream, decide, received)
            on_failure.pop_all()
        return opened
    raise WebSocketError(f"no handshake within {within_seconds:g} s")
