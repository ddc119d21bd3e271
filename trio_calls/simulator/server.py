"""Who may connect to the exchange, and to what."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Final

import trio

from trio_calls.simulator.control_connection import ControlConnection
from trio_calls.simulator.dialing import DialerConnection
from trio_calls.simulator.exchange import Exchange
from trio_calls.simulator.media_connection import MediaConnection
from trio_calls.simulator.sessions import MEDIA_PATH
from trio_calls.transport import HandshakeRequest, Refusal, WebSocketError, accept_websocket
from trio_calls.wire.control import CONTROL_PATH
from trio_calls.wire.dialing import DIALING_PATH

logger = logging.getLogger(__name__)

_HANDSHAKE_SECONDS: Final = 10.0

Connection = ControlConnection | MediaConnection | DialerConnection


class Server:
    """Serves byte streams: each becomes a connection to the exchange, or is refused.

    Args:
      exchange: what is served.
      credentials: the headers, by lower-case name, that a control connection must come with.
    """

    def __init__(self, exchange: Exchange, credentials: Mapping[str, str]) -> None:
        self._exchange = exchange
        self._credentials = credentials

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one stream until its connection is over, and close it.

        Cancellation drops the connection at once.
        """
        connection: Connection | None = None

        def decide(request: HandshakeRequest) -> Refusal | None:
            nonlocal connection
            admitted = self._admit(request)
            if isinstance(admitted, Refusal):
                return admitted
            connection = admitted
            return None

        try:
            async with trio.open_nursery() as nursery:
                try:
                    _, websocket = await accept_websocket(
                        nursery, stream, decide, within_seconds=_HANDSHAKE_SECONDS
                    )
                except WebSocketError as error:
                    logger.info("a connection was not accepted: %s", error)
                    return
                assert connection is not None
                await connection.run(websocket)
        finally:
            if connection is not None:
                connection.lost()

    def _admit(self, request: HandshakeRequest) -> Connection | Refusal:
        if self._exchange.is_down:
            return Refusal(503, "the exchange restarts")
        path = request.path.partition("?")[0]
        if path == CONTROL_PATH:
            return self._admit_sdk(request)
        if path == DIALING_PATH:
            return self._admit_dialer(request)
        if path.startswith(MEDIA_PATH):
            return self._admit_agent(request, path.removeprefix(MEDIA_PATH))
        return Refusal(404, "there is nothing here")

    def _admit_sdk(self, request: HandshakeRequest) -> ControlConnection | Refusal:
        for header, expected in self._credentials.items():
            if not _is_same(request.headers.get(header, ""), expected):
                return Refusal(401, f"{header} is missing, or not the one of this simulator")
        return ControlConnection(self._exchange)

    def _admit_dialer(self, request: HandshakeRequest) -> DialerConnection | Refusal:
        if not _is_same(request.headers.get("x-api-key", ""), self._credentials["x-api-key"]):
            return Refusal(401, "x-api-key is missing, or not the one of this simulator")
        return DialerConnection(self._exchange)

    def _admit_agent(self, request: HandshakeRequest, call_id: str) -> MediaConnection | Refusal:
        session = self._exchange.find_session(call_id)
        if session is None:
            return Refusal(404, "there is no such call, or no longer")
        if not session.admits(request.headers.get("authorization", "")):
            return Refusal(401, "the token is not the one of the last call.in")
        if session.call.agent.socket is not None:
            return Refusal(409, "the call has a media connection")
        return MediaConnection(self._exchange, session)


def _is_same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())
