"""The seam between trio_calls and a WebSocket library.

`WebSocket` is all that the layers above know of a connection; `connect_websocket` makes one as a
client and `accept_websocket` as a server (which only the simulator is). trio-websocket is behind
both; nothing outside this package imports it.
"""

from __future__ import annotations

from trio_calls.transport._interface import (
    HandshakeRefused,
    HandshakeRequest,
    HostUnreachable,
    Refusal,
    TLSFailed,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
)
from trio_calls.transport._trio_websocket import accept_websocket, connect_websocket

__all__ = [
    "HandshakeRefused",
    "HandshakeRequest",
    "HostUnreachable",
    "Refusal",
    "TLSFailed",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketError",
    "accept_websocket",
    "connect_websocket",
]
