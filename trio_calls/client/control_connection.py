"""The control connection: set up, requests, heartbeat, reconnect."""

from __future__ import annotations

import logging
import math
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import trio

from trio_calls._logging import get_logger
from trio_calls.client.backoff import Backoff
from trio_calls.client.headers import client_headers
from trio_calls.client.pending_requests import PendingRequests
from trio_calls.concurrency.turns import let_others_act
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConnectionError
from trio_calls.transport import WebSocket, WebSocketClosed, WebSocketError, connect_websocket
from trio_calls.transport.explain import explain_control, explain_loss, quote
from trio_calls.transport.heartbeat import PONG_SECONDS, wait_silent
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.codec import WireError, encode
from trio_calls.wire.control_wire import ControlWire, News
from trio_calls.wire.message import Message
from trio_calls.wire.names import CONTROL_PATH
from trio_calls.wire.responses import Response, SetupDone

logger = get_logger("trio_calls.control")

CONNECT_SECONDS: Final = 10.0
SETUP_SECONDS: Final = 10.0
#: The exchange has 30 s to answer. A late answer is waited for: only it tells what was granted.
REQUEST_SECONDS: Final = 60.0
#: Messages that wait to be written, at the most; an exchange that lets more pile up does not read.
MAX_WAITING_MESSAGES: Final = 10_000
#: Names of lost connections that are remembered, the latest.
MAX_EARLIER_IDS: Final = 100


class ControlListener(Protocol):
    """Gets what happens on the control connection. None of its methods may wait or raise."""

    def control_received(self, news: News) -> None:
        """Called with what is not the answer to a request."""

    def control_connected(self) -> None:
        """Called when there is a connection, the first one or a new one."""

    def control_lost(self) -> None:
        """Called when the connection is gone, and every claim with it that is not a call yet."""


class ControlConnection:
    """One connection at a time, replaced when it is lost.

    Args:
      config: of the client.
      tls: of the client.
      wire: reads and writes the frames.
      listener: gets what happens.

    Attributes:
      wire: reads and writes the frames.
      connection_id: the exchange's name for the present connection; None while there is none.
      invalid_messages: how many frames were dropped because they made no sense.
    """

    def __init__(
        self,
        config: ClientConfig,
        tls: ClientTLS,
        wire: ControlWire,
        listener: ControlListener,
    ) -> None:
        self.wire: ControlWire = wire
        self.connection_id: str | None = None
        self.invalid_messages: int = 0
        self._config = config
        self._tls = tls
        self._listener = listener
        self._earlier_ids: deque[str] = deque(maxlen=MAX_EARLIER_IDS)
        self._scope = trio.CancelScope()
        self._requests = PendingRequests()
        self._outbox: trio.MemorySendChannel[str] | None = None
        self._reading: trio.CancelScope | None = None
        self._fault: str | None = None
        self._connected_since = math.inf
        self._is_stopping = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Connect, report that by `task_status`, and keep connected until `stop`.

        The first attempt must succeed. Later ones are repeated, with full jitter, unless the
        exchange's refusal is final.

        Raises:
          WSSConnectionError: the first attempt failed, or a later one was refused for good.

        Cancellation: works until there is a first connection. From then on only `stop` ends it, so
        that calls can still be left in good order.
        """
        backoff = Backoff()
        with self._scope:
            while True:
                self._connected_since = math.inf
                try:
                    await self._connect_and_serve(task_status)
                    return
                except WSSConnectionError as error:
                    # `shield` tells that there has been a connection.
                    if error.is_final or not self._scope.shield:
                        raise
                    if self._is_stopping:
                        # The exchange hung up at the moment at which `stop` was called.
                        return
                    connected_seconds = max(0.0, trio.current_time() - self._connected_since)
                    delay = backoff.next_delay(connected_seconds) + (error.retry_after or 0)
                    logger.warning("%s; connecting again in %.1f s", error, delay)
                await trio.sleep(delay)

    def stop(self) -> None:
        """Close the connection in good order; `run` returns within a few seconds."""
        self._is_stopping = True
        if self._reading is not None:
            self._reading.cancel()
        else:
            self._scope.cancel()

    def is_present(self, connection_id: str | None) -> bool:
        """Return whether there is a connection now, and this is its name."""
        return connection_id is not None and connection_id == self.connection_id

    def was_ours(self, connection_id: str | None) -> bool:
        """Return whether this is the name of a connection that was lost."""
        return connection_id in self._earlier_ids

    def is_granted(self, response: Response) -> bool:
        """Return whether a session is ours: it was given to us, or we had it already."""
        return response.is_ok or self.is_present(response.holder)

    def hear(self, news: News) -> None:
        """Act on something as if it had come in a frame of its own."""
        self._listener.control_received(news)

    def send(self, message: Message) -> None:
        """Queue a message for the writer.

        Raises:
          WSSConnectionError: there is no connection now, or far too much waits to be written.
        """
        self._queue(encode(message))

    def _queue(self, frame: str) -> None:
        if self._outbox is None:
            raise WSSConnectionError("there is no connection to the exchange now")
        try:
            self._outbox.send_nowait(frame)
        except trio.WouldBlock:
            fault = "the exchange does not read what it is sent"
            self.replace(fault)
            raise WSSConnectionError(fault) from None

    async def request(self, make_request: Callable[[str], Message]) -> Response:
        """Send a request and wait for its response.

        Args:
          make_request: makes the message from the request's id.

        Raises:
          WSSConnectionError: the connection was lost, or there was no response for 60 s; then the
            connection is replaced, since nobody knows what became of the request.

        Cancellation: the request was sent; its response will be ignored.
        """
        request_id = str(uuid.uuid4())
        frame = encode(make_request(request_id))
        connection_id = self.connection_id
        response = await self.ask(request_id, frame, within_seconds=REQUEST_SECONDS)
        if response is None:
            if self.is_present(connection_id):
                self.replace(f"the exchange did not answer a request for {REQUEST_SECONDS:g} s")
            raise WSSConnectionError("the exchange did not answer a request")
        return response

    async def ask(self, request_id: str, frame: str, *, within_seconds: float) -> Response | None:
        """Send the frame of a request, and wait for its response.

        Args:
          request_id: the id in the frame.
          frame: the request.
          within_seconds: how long to wait.

        Returns:
          The response, or None if it did not come in time, or cannot come any more, as the
          connection was lost. What became of the request is not known then.

        Raises:
          WSSConnectionError: it was not sent.

        Cancellation: the request was sent; its response will be ignored.
        """
        with self._requests.begin(request_id) as pending:
            self._queue(frame)
            with trio.move_on_after(within_seconds):
                await pending.done.wait()
        return pending.response

    def request_nowait(
        self, make_request: Callable[[str], Message], on_response: Callable[[Response], None]
    ) -> None:
        """Queue a request for the writer, and do not wait for its response.

        Args:
          make_request: makes the message from the request's id.
          on_response: called with the response, unless the connection is lost before.

        Raises:
          WSSConnectionError: as `send`.
        """
        self.send(make_request(self._requests.expect(on_response)))

    def replace(self, fault: str) -> None:
        """Replace the present connection, so that the exchange takes back the sessions it gave us.

        Nothing is sent or received on it from here on, and the listener is notified at once.

        Args:
          fault: the reason, for the log.
        """
        if self._reading is not None and self.connection_id is not None:
            self._reading.cancel()
            self._forget_connection()
            self._fault = fault

    def quote(self, words: str) -> str:
        """Make words of the exchange fit for a log: it may quote our credentials."""
        return quote(words, self._config)

    async def _connect_and_serve(self, task_status: trio.TaskStatus[None]) -> None:
        """Run one connection to its end. Returns only when it was told to stop."""
        failure: WSSConnectionError | None = None
        async with trio.open_nursery() as nursery:
            try:
                websocket = await self._connect(nursery)
                try:
                    await self._serve(nursery, websocket, task_status)
                finally:
                    self._forget_connection()
                    await websocket.aclose()
            except WSSConnectionError as error:
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            try:
                raise failure
            finally:
                del failure

    async def _connect(self, nursery: trio.Nursery) -> WebSocket:
        try:
            return await connect_websocket(
                nursery,
                self._config.base_url.rstrip("/") + CONTROL_PATH,
                headers=client_headers(self._config),
                ssl_context=self._tls.context(),
                open_stream=self._config.open_stream,
                within_seconds=CONNECT_SECONDS,
                transport=self._config.transport,
            )
        except WebSocketError as error:
            failure = explain_control(error, self._config)
        # Without a context: frames of the libraries hold the headers.
        try:
            raise failure
        finally:
            # The error knows this frame by its traceback, and would be kept in memory by it.
            del failure

    async def _serve(
        self, nursery: trio.Nursery, websocket: WebSocket, task_status: trio.TaskStatus[None]
    ) -> None:
        self._outbox, to_write = trio.open_memory_channel[str](MAX_WAITING_MESSAGES)
        self.send(self.wire.setup(self._config.audio_format))
        nursery.start_soon(self._write, websocket, to_write, name="trio_calls: control writer")
        with trio.CancelScope(deadline=trio.current_time() + SETUP_SECONDS) as reading:
            self._reading = reading
            try:
                while True:
                    # No variable holds a frame: it may have a token, and tracebacks show variables.
                    for message in map(self._decode, await websocket.receive_batch()):
                        # A connection that was given up may have had this frame already.
                        await trio.lowlevel.checkpoint_if_cancelled()
                        if isinstance(message, SetupDone):
                            reading.deadline = math.inf
                            self._set_up(message, nursery, websocket, task_status)
                        elif message is not None:
                            self._dispatch(message)
                            await let_others_act()
            except WebSocketClosed as closed:
                connected = self.connection_id is not None
                raise explain_loss(closed, self._config, connected=connected) from None
        if not self._is_stopping:
            raise WSSConnectionError(
                self._fault or f"the exchange did not finish the setup within {SETUP_SECONDS:g} s"
            )

    def _set_up(
        self,
        message: SetupDone,
        nursery: trio.Nursery,
        websocket: WebSocket,
        task_status: trio.TaskStatus[None],
    ) -> None:
        if self.connection_id is not None:
            return
        self.connection_id = message.connection_id
        self._connected_since = trio.current_time()
        logger.info("connected to the exchange")
        nursery.start_soon(self._keep_alive, websocket, name="trio_calls: control keepalive")
        self._listener.control_connected()
        if not self._scope.shield:
            self._scope.shield = True
            task_status.started()

    def _decode(self, frame: str | bytes) -> News | Response | SetupDone | None:
        try:
            if isinstance(frame, bytes):
                raise WireError("a control frame must be text")
            message = self.wire.read(frame)
        except WireError as error:
            self.invalid_messages += 1
            # With one of these, a call or what somebody wrote is lost, or is believed to go on.
            level = logging.WARNING if error.wire_type in self.wire.vital_types else logging.DEBUG
            logger.log(level, "a frame of the control connection was dropped: %s", error)
            return None
        if message is None:
            logger.debug("a frame that says nothing to a client was ignored")
        return message

    def _dispatch(self, message: News | Response) -> None:
        if isinstance(message, Response):
            self._requests.resolve(message)
        else:
            self.hear(message)

    async def _write(self, websocket: WebSocket, to_write: trio.MemoryReceiveChannel[str]) -> None:
        # A connection that is over is the reader's to notice.
        with suppress(WebSocketClosed):
            async for frame in to_write:
                await websocket.send(frame)

    async def _keep_alive(self, websocket: WebSocket) -> None:
        if await wait_silent(websocket, self._config.keep_alive_seconds):
            self.replace(f"the exchange was silent for {PONG_SECONDS:g} s")

    def _forget_connection(self) -> None:
        self._reading = None
        self._fault = None
        self._outbox = None
        if self.connection_id is not None:
            self._earlier_ids.append(self.connection_id)
            self.connection_id = None
            self._listener.control_lost()
        self._requests.fail_all()
