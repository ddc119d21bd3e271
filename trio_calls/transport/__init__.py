"""Private: the seam between trio_calls and a WebSocket library.

`WebSocket` is all that the layers above know of a connection; `connect_websocket` makes one as a
client and `accept_websocket` as a server (which only the simulator is). Behind them is either
trio-websocket, or the sans-IO protocol of `websockets` on Trio streams, which costs less; nothing
outside this package imports one of them.

`tls`, `heartbeat` and `explain` stand on that seam: how the exchange is verified, how a silent one
is noticed, and how the errors of a connection become those that applications know. Calls, offers,
and what frames mean live elsewhere.
"""

from __future__ import annotations

from trio_calls.transport._dial import open_tcp_stream, port_of, start_tls
from trio_calls.transport._interface import (
    HandshakeRefused,
    HandshakeRequest,
    HostUnreachable,
    Rejection,
    ServerUnverified,
    TLSFailed,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
)
from trio_calls.transport._opening import accept_websocket, connect_websocket
from trio_calls.transport._shortcuts import NowaitStream
from trio_calls.transport.eager_writer import EagerWriter

__all__ = [
    "EagerWriter",
    "HandshakeRefused",
    "HandshakeRequest",
    "HostUnreachable",
    "NowaitStream",
    "Rejection",
    "ServerUnverified",
    "TLSFailed",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketError",
    "accept_websocket",
    "connect_websocket",
    "open_tcp_stream",
    "port_of",
    "start_tls",
]
