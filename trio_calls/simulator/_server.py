"""Who may connect to the exchange, and to what."""

from __future__ import annotations

from typing import Final, Literal, assert_never

import trio

from trio_calls._logging import get_logger
from trio_calls.simulator._dialing import DialerConnection
from trio_calls.simulator._http import HttpEndpoints
from trio_calls.simulator._placed_calls import PlacedCalls
from trio_calls.simulator.exchange.admission import Admission
from trio_calls.simulator.exchange.control_connection import ControlConnection
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.media_connection import MediaConnection
from trio_calls.simulator.exchange.sessions import MEDIA_PATH
from trio_calls.transport import (
    HandshakeRequest,
    PlainRequestAnswered,
    Rejection,
    WebSocketError,
    accept_websocket,
)
from trio_calls.wire.dialing import DIALING_PATH
from trio_calls.wire.names import CONTROL_PATH

logger = get_logger("trio_calls.simulator.server")

_HANDSHAKE_SECONDS: Final = 10.0

#: What becomes of a second media connection for a call: it is refused, or it replaces the first.
SecondMediaConnection = Literal["refuse", "replace"]

Connection = ControlConnection | MediaConnection | DialerConnection


class Server:
    """Serves byte streams: each becomes a connection to the exchange, or is refused.

    Args:
      exchange: the exchange that connections are made to.
      calls: places the calls of dialers.
      admission: checks every handshake.
      second_media_connection: what becomes of a second one for the same call.
      max_connections: how many connections there may be; more are refused. As many streams again
        may be shaking hands, or be told why not; what comes beyond that is dropped without a word.
    """

    def __init__(
        self,
        exchange: Exchange,
        calls: PlacedCalls,
        admission: Admission,
        max_connections: float,
        second_media_connection: SecondMediaConnection = "refuse",
    ) -> None:
        self._exchange = exchange
        self._calls = calls
        self._admission = admission
        self._max_connections = max_connections
        self._second_media_connection = second_media_connection
        self._http = HttpEndpoints(exchange, admission)
        self._streams = 0
        self._connections = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one stream until its connection is over. Whoever calls this closes the stream.

        Cancellation drops the connection at once.
        """
        if self._streams >= 2 * self._max_connections:
            logger.info("a connection was dropped: there are too many, even to refuse them")
            return
        self._streams += 1
        try:
            await self._serve(stream)
        finally:
            self._streams -= 1

    async def _serve(self, stream: trio.abc.Stream) -> None:
        connection: Connection | None = None

        def decide(request: HandshakeRequest) -> Rejection | None:
            nonlocal connection
            admitted = self._admit(request)
            if isinstance(admitted, Rejection):
                return admitted
            connection = admitted
            self._connections += 1
            return None

        try:
            async with trio.open_nursery() as nursery:
                try:
                    _, websocket = await accept_websocket(
                        nursery,
                        stream,
                        decide,
                        within_seconds=_HANDSHAKE_SECONDS,
                        answer=self._http.answer,
                    )
                except PlainRequestAnswered:
                    return
                except WebSocketError as error:
                    logger.info("a connection was not accepted: %s", error)
                    return
                assert connection is not None
                await connection.run(websocket)
        finally:
            if connection is not None:
                self._connections -= 1
                connection.lost()

    def _admit(self, request: HandshakeRequest) -> Connection | Rejection:
        rejection = self._admission.refuse_stranger(request) or self._refuse_for_now()
        if rejection is not None:
            return rejection
        path = request.path.partition("?")[0]
        if path == CONTROL_PATH:
            return self._admit_sdk(request)
        if path == DIALING_PATH:
            return self._admit_dialer(request)
        if path.startswith(MEDIA_PATH):
            return self._admit_agent(request, path.removeprefix(MEDIA_PATH))
        return Rejection(404, "there is nothing here")

    def _refuse_for_now(self) -> Rejection | None:
        if self._exchange.is_down:
            return Rejection(503, "the exchange restarts")
        if self._connections >= self._max_connections:
            return Rejection(503, f"too many connections: {self._max_connections:g} is the limit")
        return None

    def _admit_sdk(self, request: HandshakeRequest) -> ControlConnection | Rejection:
        rejection = self._admission.refuse_wrong(
            request, "x-api-key", "x-connector-uuid"
        ) or self._admission.refuse_outdated(request)
        return rejection or ControlConnection(self._exchange)

    def _admit_dialer(self, request: HandshakeRequest) -> DialerConnection | Rejection:
        rejection = self._admission.refuse_wrong(request, "x-api-key")
        return rejection or DialerConnection(self._calls, self._exchange.sample_rate)

    def _admit_agent(self, request: HandshakeRequest, call_id: str) -> MediaConnection | Rejection:
        session = self._exchange.find_session(call_id)
        if session is None:
            return Rejection(404, "there is no such call, or no longer")
        if not session.admits(request.headers.get("authorization", "")):
            return Rejection(401, "the token is not the one of the last call.in")
        if session.call.agent.socket is not None:
            match self._second_media_connection:
                case "refuse":
                    return Rejection(409, "the call has a media connection")
                case "replace":
                    session.call.replace_media_connection()
                case _:
                    assert_never(self._second_media_connection)
        return MediaConnection(self._exchange, session)
