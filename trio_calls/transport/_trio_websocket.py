"""The transport that comes with the SDK: trio-websocket.

Only the handshake, control frames and messages in fragments are its business. Plain frames pass it
by, both ways (see `_fast_path_stream`)::

    nursery of the caller
    └── _run
        └── a nursery of its own
            ├── trio-websocket's reader
            └── collect: hands on the messages of the library

The nursery of its own is there because trio-websocket's reader raises when a peer breaks the rules.
That is the end of this connection, and must not be the end of the caller's nursery.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Final
from urllib.parse import SplitResult

import h11
import trio
import trio_websocket
from trio_websocket import WebSocketConnection
from wsproto.connection import ConnectionState
from wsproto.utilities import ProtocolError

from trio_calls._logging import get_logger
from trio_calls.concurrency.error_groups import first_error
from trio_calls.transport._fast_path_stream import FastPathStream
from trio_calls.transport._frame_sender import LAST_WORDS_SECONDS, FrameSender
from trio_calls.transport._handshake_stream import HandshakeStream
from trio_calls.transport._interface import (
    CLOSE_SECONDS,
    MAX_MESSAGE_SIZE,
    NORMAL_CLOSURE,
    RECEIVE_BYTES,
    HandshakeRefused,
    HandshakeRequest,
    Rejection,
    WebSocket,
    WebSocketError,
)
from trio_calls.transport._refusal import header_dict, refusal

logger = get_logger(__name__)


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Return whether a record of the library is about a connection of somebody else.

    It logs what a peer puts into its pings and closes, which may be what we have told it.
    """
    first = record.args[0] if isinstance(record.args, tuple) and record.args else None
    return not isinstance(getattr(first, "_stream", None), FastPathStream)


# No configuration of logging takes a filter away.
logging.getLogger("trio-websocket").addFilter(_is_not_ours)

#: What the libraries raise when a peer breaks the rules, beside their documented errors.
_PROTOCOL_FAULTS: Final = (trio_websocket.ConnectionClosed, ProtocolError, h11.ProtocolError)

#: The states in which a close of the peer has come, while this side has not closed.
_CLOSED_BY_PEER: Final = (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED)

#: The handshake of either side, with trio-websocket's reader in the nursery.
_ShakeHands = Callable[[trio.Nursery, FastPathStream], Awaitable[WebSocketConnection]]


class _TrioWebSocket(WebSocket):
    def __init__(
        self,
        connection: WebSocketConnection,
        stream: FastPathStream,
        reader_ended: trio.Event,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._reader_ended = reader_ended

    @property
    def _sender(self) -> FrameSender:
        self._note_close()
        return self._stream.sender

    def _note_close(self) -> None:
        sender = self._stream.sender
        close = self._connection.closed
        if sender.is_open and close is not None:
            sender.is_open = False
            # The library also has a code for what it has lost or refused itself.
            if self._connection._wsproto.state in _CLOSED_BY_PEER:
                sender.peer_close = (int(close.code), close.reason or "")

    async def send(self, *messages: str | bytes) -> None:
        await self._sender.send(*messages)

    def send_nowait(self, *messages: str | bytes) -> bool:
        return self._sender.send_nowait(*messages)

    async def receive_batch(self) -> list[str | bytes]:
        return await self._stream.take()

    async def collect(self) -> None:
        """Hand on the library's messages until the connection is over."""
        try:
            with suppress(trio_websocket.ConnectionClosed):
                while True:
                    self._stream.add(await self._connection.get_message())
        finally:
            self._note_close()
            self._stream.end()

    async def ping(self) -> None:
        # trio-websocket leaves a ping waiting for its pong when the connection ends.
        is_answered = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_at_end, nursery.cancel_scope)
            with suppress(*_PROTOCOL_FAULTS):
                await self._connection.ping()
                is_answered = True
            nursery.cancel_scope.cancel()
        if not is_answered:
            raise self._sender.closed()

    async def _cancel_at_end(self, scope: trio.CancelScope) -> None:
        await self._reader_ended.wait()
        scope.cancel()

    async def aclose(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        try:
            if not self._sender.is_broken:
                # What the library calls the reason of the close is our own from here on.
                self._stream.sender.is_open = False
                with suppress(Exception), trio.move_on_after(CLOSE_SECONDS):
                    await self._connection.aclose(code, reason or None)
        finally:
            await self._stream.handshake.abandon()


async def connect(
    nursery: trio.Nursery, stream: trio.abc.Stream, parts: SplitResult, headers: Mapping[str, str]
) -> WebSocket:
    """Shake hands as a client. See `trio_calls.transport.connect_websocket`."""

    async def shake_hands(
        reader_nursery: trio.Nursery, fast_path: FastPathStream
    ) -> WebSocketConnection:
        return await trio_websocket.wrap_client_stream(
            reader_nursery,
            fast_path,  # type: ignore[arg-type]  # documented to be any stream
            parts.netloc.rpartition("@")[2],
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            extra_headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            max_message_size=MAX_MESSAGE_SIZE,
            receive_buffer_size=RECEIVE_BYTES,
        )

    return await _open(nursery, FastPathStream(stream, is_client=True), shake_hands)


async def accept(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    decide: Callable[[HandshakeRequest], Rejection | None],
    received: bytes,
) -> tuple[HandshakeRequest, WebSocket]:
    """Shake hands as a server. See `trio_calls.transport.accept_websocket`."""
    request: HandshakeRequest | None = None

    async def shake_hands(
        reader_nursery: trio.Nursery, fast_path: FastPathStream
    ) -> WebSocketConnection:
        nonlocal request
        proposal = await trio_websocket.wrap_server_stream(
            reader_nursery,
            fast_path,
            max_message_size=MAX_MESSAGE_SIZE,
            receive_buffer_size=RECEIVE_BYTES,
        )
        # wsproto keeps the Host to itself, and trio-websocket does not pass it on.
        headers = header_dict(proposal.headers) | {"host": proposal._event.host}
        request = HandshakeRequest(proposal.path, headers)
        rejection = decide(request)
        if rejection is not None:
            await proposal.reject(rejection.status_code, body=rejection.reason.encode())
            raise HandshakeRefused(rejection.status_code, rejection.reason)
        return await proposal.accept()

    fast_path = FastPathStream(stream, is_client=False, received=received)
    websocket = await _open(nursery, fast_path, shake_hands)
    assert request is not None
    return request, websocket


async def _open(
    nursery: trio.Nursery, stream: FastPathStream, shake_hands: _ShakeHands
) -> WebSocket:
    async with AsyncExitStack() as on_failure:
        on_failure.push_async_callback(stream.handshake.abandon)
        websocket: WebSocket = await nursery.start(_run, nursery, stream, shake_hands)
        on_failure.pop_all()
    return websocket


async def _run(
    outer_nursery: trio.Nursery,
    stream: FastPathStream,
    shake_hands: _ShakeHands,
    *,
    task_status: trio.TaskStatus[WebSocket],
) -> None:
    """Shake hands, report the WebSocket by `task_status`, and run it until it is over."""
    failure: WebSocketError | None = None
    reader_ended = trio.Event()
    try:
        async with trio.open_nursery() as nursery:
            connection = await shake_hands(nursery, stream)
            stream.open(connection)
            stream.sender.on_broken = partial(
                outer_nursery.start_soon, _give_up, stream, reader_ended
            )
            websocket = _TrioWebSocket(connection, stream, reader_ended)
            nursery.start_soon(websocket.collect)
            task_status.started(websocket)
    except* trio_websocket.ConnectionRejected as rejections:
        rejection = first_error(rejections)
        headers = header_dict(rejection.headers)
        failure = refusal(rejection.status_code, headers, rejection.body or b"")
    except* WebSocketError as failures:
        failure = first_error(failures)
    except* Exception as faults:
        # Beside its own errors, the library raises what it decodes with.
        failure = failure or _protocol_fault(stream.handshake, first_error(faults))
    finally:
        stream.sender.on_broken = None
        reader_ended.set()
    if failure is not None:
        try:
            raise failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure


async def _give_up(stream: FastPathStream, reader_ended: trio.Event) -> None:
    """End the connection, as nothing can be sent on it any more."""
    with trio.move_on_after(LAST_WORDS_SECONDS):
        await reader_ended.wait()
    stream.end()
    await stream.handshake.abandon()


def _protocol_fault(stream: HandshakeStream, fault: BaseException) -> WebSocketError | None:
    """Return the error for a peer that breaks the rules: None after the handshake.

    The connection is then over, as it would be if the peer had hung up.
    """
    logger.debug("the peer broke the WebSocket protocol: %s", type(fault).__name__)
    return WebSocketError("the handshake broke off") if stream.is_shaking_hands else None
