"""Handshakes of the fast transport.

The library is given the bytes of the head, and what belongs to a refusal. What comes behind the end
of a handshake is frames, and kept for the `FrameReader`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult

import trio
from websockets.client import ClientProtocol
from websockets.http11 import Request, Response
from websockets.protocol import Event
from websockets.server import ServerProtocol
from websockets.uri import WebSocketURI

from trio_calls.transport._dial import port_of
from trio_calls.transport._handshake_stream import (
    MAX_HANDSHAKE_BYTES,
    end_of_head,
    not_a_handshake,
    raise_broken,
    raise_refusal,
    too_long,
)
from trio_calls.transport._interface import (
    MAX_MESSAGE_SIZE,
    HandshakeRefused,
    HandshakeRequest,
    Rejection,
    WebSocket,
    WebSocketError,
)
from trio_calls.transport._refusal import refusal, refusal_ended_by_hangup
from trio_calls.transport._response_head import ResponseHead
from trio_calls.transport._websockets import StreamWebSocket

_SWITCHING_PROTOCOLS: Final = 101

# The library would log headers and frames, and with them keys, tokens and audio. No configuration
# reaches this logger, as nothing can look it up: `dictConfig` enables those that it finds.
_silent_logger: Final = logging.Logger("trio_calls.transport.websockets")
_silent_logger.disabled = True


async def connect(
    nursery: trio.Nursery, stream: trio.abc.Stream, parts: SplitResult, headers: Mapping[str, str]
) -> WebSocket:
    """Shake hands as a client. See `trio_calls.transport.connect_websocket`."""
    host = (parts.hostname or "").encode("idna").decode()
    is_secure = parts.scheme == "wss"
    uri = WebSocketURI(is_secure, host, port_of(parts), parts.path, parts.query)
    protocol = ClientProtocol(uri, max_size=MAX_MESSAGE_SIZE, logger=_silent_logger)
    request = protocol.connect()
    request.headers.update(headers)
    protocol.send_request(request)
    handshake = _Handshake(protocol, stream)
    await handshake.flush()
    response = await handshake.receive()
    assert isinstance(response, Response)
    if response.status_code != _SWITCHING_PROTOCOLS:
        raise refusal(response.status_code, _headers(response), bytes(response.body or b""))
    if protocol.handshake_exc is not None:
        raise not_a_handshake()
    return StreamWebSocket(protocol, stream, nursery, handshake.early_data)


async def accept(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    decide: Callable[[HandshakeRequest], Rejection | None],
    received: bytes,
) -> tuple[HandshakeRequest, WebSocket]:
    """Shake hands as a server. See `trio_calls.transport.accept_websocket`."""
    protocol = ServerProtocol(max_size=MAX_MESSAGE_SIZE, logger=_silent_logger)
    handshake = _Handshake(protocol, stream, received)
    request = await handshake.receive()
    assert isinstance(request, Request)
    response = protocol.accept(request)
    if response.status_code != _SWITCHING_PROTOCOLS:
        await handshake.answer(response)
        raise not_a_handshake()
    asked = HandshakeRequest(request.path, _headers(request))
    rejection = decide(asked)
    if rejection is not None:
        await handshake.answer(protocol.reject(rejection.status_code, rejection.reason))
        raise HandshakeRefused(rejection.status_code, rejection.reason)
    await handshake.answer(response)
    return asked, StreamWebSocket(protocol, stream, nursery, handshake.early_data)


class _Handshake:
    """Exchanges the bytes of a handshake between a protocol and a stream.

    Args:
      protocol: the library's idea of the connection.
      stream: the stream to the peer.
      received: what has come over it already.

    Attributes:
      early_data: what came right behind the handshake, which the protocol was not given.
    """

    def __init__(
        self,
        protocol: ClientProtocol | ServerProtocol,
        stream: trio.abc.Stream,
        received: bytes = b"",
    ) -> None:
        self._protocol = protocol
        self._stream = stream
        self._received = bytearray()
        # What was received before this began.
        self._beginning = received
        self._is_past_head = False
        self._response = ResponseHead() if isinstance(protocol, ClientProtocol) else None
        self.early_data = b""

    async def answer(self, response: Response) -> None:
        assert isinstance(self._protocol, ServerProtocol)
        self._protocol.send_response(response)
        await self.flush()

    async def flush(self) -> None:
        try:
            await self._stream.send_all(b"".join(self._protocol.data_to_send()))
        except trio.BrokenResourceError as error:
            raise_broken(error)

    async def receive(self) -> Event:
        """Wait for the request of a client, or the response of a server."""
        while True:
            data = await self._receive_some()
            if self._response is not None and self._response.refusal is not None:
                await raise_refusal(self._response.refusal, self._stream.receive_some)
            events = self._protocol.events_received()
            if events:
                return events[0]
            if self._size > MAX_HANDSHAKE_BYTES:
                raise too_long()
            if self._protocol.handshake_exc is not None and data:
                await self.flush()
                raise refusal_ended_by_hangup(self._received) or not_a_handshake()
            if not data:
                raise refusal_ended_by_hangup(self._received) or WebSocketError(
                    "the connection was closed during the WebSocket handshake"
                )

    @property
    def _size(self) -> int:
        return len(self._received) if self._response is None else self._response.size

    async def _receive_some(self) -> bytes | bytearray:
        data: bytes | bytearray
        data, self._beginning = self._beginning, b""
        try:
            data = data or await self._stream.receive_some()
        except trio.BrokenResourceError as error:
            raise_broken(error)
        self._received += data
        if not data:
            self._protocol.receive_eof()
        elif self._response is not None:
            self._protocol.receive_data(self._response.receive(data))
            self.early_data = self._response.early_data
        elif self._is_past_head:
            self._protocol.receive_data(data)
        else:
            self._take_in_head(len(data))
        return data

    def _take_in_head(self, new_bytes: int) -> None:
        start = len(self._received) - new_bytes
        end = end_of_head(self._received, new_bytes)
        if end is None:
            self._protocol.receive_data(self._received[start:])
            return
        self._is_past_head = True
        self._protocol.receive_data(self._received[start:end])
        self.early_data = bytes(self._received[end:])


def _headers(message: Request | Response) -> dict[str, str]:
    return {name.lower(): value for name, value in message.headers.raw_items()}
