"""Private: the seam between trio_calls and a WebSocket library.

`WebSocket` is all that the layers above know of a connection; `connect_websocket` makes one as a
client and `accept_websocket` as a server (which only the simulator is). Behind them is one of two
libraries, and nothing outside this package imports either::

    explain    heartbeat    tls         what a connection means to a client, and
    sdk_headers                         what the client says of itself
    http                                requests that want no WebSocket, as a client
    eager_writer                        sending: at once what goes, and the rest from a task
    _response_head                      what servers say before, in and behind a handshake
    _opening, _dial                     the address, the stream, the library, the deadline
    _plain_http                         requests that want no WebSocket, as a server
    _trio_websocket    _websockets      one library each, which comes with the SDK or costs less
    _fast_path_stream  _frame_reader    the frames: plain ones here, all others by the library
    _fast_path_parser, _frame_sender
    _tls_stream        _shared_epoll    the bytes

The layers above cannot tell the two apart, and every test on connections runs on both. Calls,
offers and what frames mean live elsewhere.
"""

from __future__ import annotations

from trio_calls.transport._dial import open_tcp_stream, port_of, start_tls
from trio_calls.transport._interface import (
    NORMAL_CLOSURE,
    HandshakeRefused,
    HandshakeRequest,
    HostUnreachable,
    PlainRequest,
    PlainRequestAnswered,
    PlainResponse,
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
    "NORMAL_CLOSURE",
    "EagerWriter",
    "HandshakeRefused",
    "HandshakeRequest",
    "HostUnreachable",
    "NowaitStream",
    "PlainRequest",
    "PlainRequestAnswered",
    "PlainResponse",
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
