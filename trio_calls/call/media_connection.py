"""The media connection of one call: one task that reads it, and one that writes."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls._quoting import Secret
from trio_calls.call.gatekeeper import Gatekeeper
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.received_audio import ReceivedAudio
from trio_calls.concurrency.turns import let_others_act
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSMediaError
from trio_calls.state import CallState
from trio_calls.transport import (
    HandshakeRefused,
    WebSocket,
    WebSocketClosed,
    WebSocketError,
    connect_websocket,
)
from trio_calls.transport.explain import explain_media, without_secrets
from trio_calls.transport.heartbeat import PONG_SECONDS, wait_silent
from trio_calls.transport.sdk_headers import sdk_headers
from trio_calls.wire.call_protocol import CREDIT_GRANTED, CallProtocol, Event
from trio_calls.wire.control_wire import RingingCall
from trio_calls.wire.media_wire import AudioReceived
from trio_calls.wire.names import CALL_CHANNEL

logger = get_logger("trio_calls.media")

CONNECT_SECONDS: Final = 10.0

#: To ask again changes nothing: not allowed, not there (any more), or another one is.
_FINAL_REFUSALS: Final = frozenset({401, 403, 404, 409, 410})

#: What a server answers that is overloaded. What has 500 and more is about the server as well.
_BUSY: Final = frozenset({408, 425, 429})
_SERVER_ERRORS: Final = 500

# Looked up once: see `trio_calls.wire.call_protocol`.
_DISCONNECTED: Final = CallState.DISCONNECTED

#: A batch of more messages than this means that the process has fallen behind: two ticks' worth.
_MESSAGES_IN_STEP: Final = 4


class MediaConnection:
    """Carries one call's frames between its `CallProtocol` and the exchange.

    What comes in beside audio and credit is handed to `on_event`, which must neither wait nor
    raise, and which never runs code of the application: so the two tasks here are never cancelled
    halfway through a frame. `on_end` is called when nothing more comes in, and has the same duties.
    It gets the end of the connection, without secrets: None if this side has stopped to read.

    Attributes:
      was_refused: whether the exchange has answered, and does not want the connection.
      may_pass: whether what has made it fail may pass: the exchange is restarted, or overloaded.
      final_refusal: the reason, where it never will: the token or the call is unknown, or somebody
        else has a connection.
    """

    def __init__(
        self,
        protocol: CallProtocol,
        received: ReceivedAudio,
        writer: MediaWriter,
        on_event: Callable[[Event], None],
        on_end: Callable[[WebSocketClosed | None], None],
    ) -> None:
        self._protocol = protocol
        self._received = received
        self._writer = writer
        self._on_event = on_event
        self._on_end = on_end
        self._backlog: list[str | bytes] = []
        self._scope = trio.CancelScope(shield=True)
        self._reading = trio.CancelScope()
        self._opened = trio.Event()
        # No error: it would know this connection, as whoever raises it does.
        self._failure: str | None = None
        self.was_refused: bool = False
        self.may_pass: bool = False
        self.final_refusal: str | None = None

    async def run(
        self,
        call_in: RingingCall,
        config: ClientConfig,
        ssl_context: ssl.SSLContext | None,
        gatekeeper: Gatekeeper | None = None,
    ) -> None:
        """Open the connection and serve it until the call is over, or `stop` says so.

        What a gatekeeper does not allow is a final refusal.

        Does not raise: `wait_open` tells whoever waits that the connection could not be opened.

        Cancellation: none from outside, so that a call can still be left in good order; `stop`
        ends it.
        """
        with self._scope:
            async with trio.open_nursery() as nursery:
                try:
                    await self._ask(gatekeeper)
                    websocket = await self._connect(nursery, call_in, config, ssl_context)
                except WSSMediaError as error:
                    self._failure = str(error)
                else:
                    self._writer.open(websocket)
                    self._opened.set()
                    if gatekeeper is not None:
                        gatekeeper.opened()
                    nursery.start_soon(self._writer.run, websocket, name="trio_calls: media writer")
                    nursery.start_soon(
                        self._keep_alive,
                        websocket,
                        config.keep_alive_seconds,
                        name="trio_calls: media keepalive",
                    )
                    try:
                        closed = await self._read(websocket)
                        self._on_end(closed and without_secrets(closed, config, call_in.token))
                    finally:
                        await websocket.aclose()
                nursery.cancel_scope.cancel()
        if not self._opened.is_set():
            self._failure = self._failure or "the media connection was given up"
            self._opened.set()

    async def wait_open(self) -> None:
        """Wait until the connection is open.

        Raises:
          WSSMediaError: it could not be opened.

        Cancellation: the connection goes on being opened.
        """
        await self._opened.wait()
        if self._failure is not None:
            raise WSSMediaError(self._failure)

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, or was until the call ended."""
        return self._opened.is_set() and self._failure is None

    @property
    def has_failed(self) -> bool:
        """Whether the connection could not be opened."""
        return self._failure is not None

    def stop(self, deadline: float) -> None:
        """Close the connection, and drop it at `deadline` (in Trio's time) if that takes longer."""
        self._reading.cancel()
        self._scope.deadline = deadline
        if not self._opened.is_set():
            self._scope.cancel()

    async def _ask(self, gatekeeper: Gatekeeper | None) -> None:
        refusal = None if gatekeeper is None else await gatekeeper.may_open()
        if refusal is not None:
            self.was_refused = True
            self.final_refusal = refusal
            raise WSSMediaError(refusal)

    async def _connect(
        self,
        nursery: trio.Nursery,
        call_in: RingingCall,
        config: ClientConfig,
        ssl_context: ssl.SSLContext | None,
    ) -> WebSocket:
        if config.base_url.startswith("wss://") and not call_in.url.startswith("wss://"):
            raise WSSMediaError("the exchange offered a media connection without TLS: not opened")
        try:
            return await connect_websocket(
                nursery,
                call_in.url,
                headers={
                    "Authorization": Secret(f"Bearer {call_in.token}"),
                    **sdk_headers(config),
                },
                ssl_context=ssl_context,
                open_stream=config.open_stream,
                within_seconds=CONNECT_SECONDS,
                transport=config.transport,
            )
        except WebSocketError as error:
            self.was_refused = isinstance(error, HandshakeRefused)
            self.may_pass = not isinstance(error, HandshakeRefused) or _is_busy(error.status_code)
            failure = explain_media(error, config, call_in.token)
            if isinstance(error, HandshakeRefused) and error.status_code in _FINAL_REFUSALS:
                self.final_refusal = str(failure)
        # Without a context: frames of the libraries hold the headers.
        try:
            raise failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure

    async def _read(self, websocket: WebSocket) -> WebSocketClosed | None:
        """Read until the call or the connection is over, or `stop` says so.

        Returns:
          The end of the connection, or None if it goes on.
        """
        with self._reading:
            try:
                while self._protocol.state is not CallState.DISCONNECTED:
                    await websocket.receive_each(self._receive)
                    await self._catch_up()
            except WebSocketClosed as closed:
                return closed
        return None

    def _receive(self, messages: list[str | bytes]) -> bool:
        """Take in a batch that is in step. Returns whether to go on."""
        if len(messages) > _MESSAGES_IN_STEP:
            self._backlog = messages
            return False
        for message in messages:
            event = self._protocol.receive(message)
            if isinstance(event, AudioReceived):
                self._received.deliver(event.channel, event.pcm)
                if event.everybody:
                    self._received.deliver(CALL_CHANNEL, event.everybody)
            elif event is CREDIT_GRANTED:
                if self._protocol.played_bytes is not None:
                    self._writer.played(self._protocol.played_bytes, self._protocol.heard_bytes)
                if self._protocol.audio.waiting or self._protocol.audio.backdrop is not None:
                    self._writer.write()
            elif event is not None:
                self._on_event(event)
        return self._protocol.state is not _DISCONNECTED

    async def _catch_up(self) -> None:
        """Take in a backlog in step with the listeners, and send what they say to it in one go."""
        backlog, self._backlog = self._backlog, []
        with self._writer.corked():
            for message in backlog:
                self._receive([message])
                # A handler needs a turn to receive a frame and to send its answer. Without it there
                # would be audio many times faster than a handler can follow.
                await let_others_act()

    async def _keep_alive(self, websocket: WebSocket, every_seconds: float) -> None:
        if await wait_silent(websocket, every_seconds):
            logger.warning("the exchange was silent for %g s: the call is lost", PONG_SECONDS)
            self._reading.cancel()


def _is_busy(status_code: int) -> bool:
    return status_code >= _SERVER_ERRORS or status_code in _BUSY
