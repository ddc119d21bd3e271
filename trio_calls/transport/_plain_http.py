"""Requests that want no WebSocket, on a port whose clients mostly do.

A WebSocket library reads one kind of request only. So the beginning of what comes is looked at
before it is given to one: its method, and the first part of its path. That decides whose it is.
What is the library's is the library's to judge, nonsense included.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import h11
import trio

from trio_calls.transport._handshake_stream import MAX_HANDSHAKE_BYTES, raise_broken
from trio_calls.transport._interface import (
    PlainRequest,
    PlainRequestAnswered,
    PlainResponse,
    WebSocketError,
)
from trio_calls.transport._refusal import header_dict

#: What such requests ask for begins with this.
_PLAIN_PATH: Final = b"/public/"

_METHOD: Final = re.compile(rb"[A-Z]{0,16}")

#: How long a client has to read its answer and hang up. TCP takes back what was not read when a
#: connection is closed while something comes, such as the body of the request.
_LINGER_SECONDS: Final = 1.0

Answer = Callable[[PlainRequest], PlainResponse]


async def answer_plain_request(stream: trio.abc.Stream, answer: Answer) -> bytes:
    """Answer a request that wants no WebSocket, if that is what comes.

    Returns:
      What was received, if it is something else. It is the beginning of what whoever reads on has
      to read.

    Raises:
      PlainRequestAnswered: that was all. Whoever calls this closes the stream.
      WebSocketError: the request could not be read, or the connection broke.
    """
    received = b""
    while (is_plain := _is_plain(received)) is None:
        data = await _receive(stream)
        if not data:
            break
        received += data
    if not is_plain:
        return received
    request = await _receive_request(stream, received)
    response = answer(request)
    try:
        await stream.send_all(_response_bytes(request, response))
    except trio.BrokenResourceError as error:
        raise_broken(error)
    await _linger(stream)
    raise PlainRequestAnswered


def _is_plain(received: bytes) -> bool | None:
    """Return whether this begins a plain request; None if more is needed to tell."""
    method, space, path = received.partition(b" ")
    if not _METHOD.fullmatch(method):
        return False
    if space and path.startswith(_PLAIN_PATH):
        return True
    return None if _PLAIN_PATH.startswith(path) else False


async def _receive_request(stream: trio.abc.Stream, received: bytes) -> PlainRequest:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HANDSHAKE_BYTES)
    try:
        connection.receive_data(received)
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await _receive(stream))
    except h11.RemoteProtocolError:
        # Its words quote what was sent.
        raise WebSocketError("what the client sent is no HTTP request") from None
    if not isinstance(event, h11.Request):
        raise WebSocketError("the connection was closed during the request")
    return PlainRequest(
        event.target.decode("latin-1"), header_dict(event.headers), event.method.decode()
    )


async def _receive(stream: trio.abc.Stream) -> bytes:
    try:
        return bytes(await stream.receive_some())
    except trio.BrokenResourceError as error:
        raise_broken(error)


def _response_bytes(request: PlainRequest, response: PlainResponse) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(response.body)}",
        "Connection: close",
    ]
    if response.allow is not None:
        lines.append(f"Allow: {response.allow}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head if request.method == "HEAD" else head + response.body


async def _linger(stream: trio.abc.Stream) -> None:
    with suppress(trio.BrokenResourceError), trio.move_on_after(_LINGER_SECONDS):
        if isinstance(stream, trio.abc.HalfCloseableStream):
            await stream.send_eof()
        while await stream.receive_some():
            pass
