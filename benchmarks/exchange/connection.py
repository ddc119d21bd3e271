"""One WebSocket connection to the exchange: sans-IO `websockets` on a transport of asyncio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol


class Peer(Protocol):
    """What the exchange does with a connection, told by the path of its handshake."""

    def receive_text(self, message: dict[str, Any]) -> None:
        """Take in a message of JSON."""

    def receive_audio(self, message: bytes | bytearray) -> None:
        """Take in a binary message, channel included."""

    def lost(self) -> None:
        """Note that the connection is gone, whoever has closed it."""


class Connection(asyncio.Protocol):
    """Carries frames between an agent and a `Peer`.

    `websockets.asyncio.server` would wake a task for every message. This calls the peer at once,
    and costs less than half: the exchange has to be much cheaper than what is measured with it.
    """

    def __init__(self, find_peer: Callable[[str, Connection], Peer | None]) -> None:
        self._find_peer = find_peer
        self._protocol = ServerProtocol()
        self._transport: asyncio.Transport
        self._peer: Peer | None = None
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._receive(event)
            elif isinstance(event, Request):
                self._accept(event)
        self._flush()

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over = True
        if self._peer is not None:
            self._peer.lost()

    def send(self, frames: bytes) -> None:
        """Send what is encoded already, if anybody still takes it."""
        if not self._is_over:
            self._transport.write(frames)

    def close(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def finish(self) -> None:
        """Close it once everything is sent."""
        self._transport.close()

    def _receive(self, frame: Frame) -> None:
        assert self._peer is not None
        if frame.opcode is Opcode.BINARY:
            assert isinstance(frame.data, bytes | bytearray)
            self._peer.receive_audio(frame.data)
        elif frame.opcode is Opcode.TEXT:
            self._peer.receive_text(json.loads(bytes(frame.data)))

    def _accept(self, request: Request) -> None:
        self._peer = self._find_peer(request.path, self)
        if self._peer is None:
            response = self._protocol.reject(404, "there is nothing here\n")
        else:
            response = self._protocol.accept(request)
        self._protocol.send_response(response)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._is_over = True
                self._transport.write_eof()
