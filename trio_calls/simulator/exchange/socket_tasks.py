"""The two tasks of a socket of the exchange: one reads, one writes, and nobody waits for either."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

from trio_calls.simulator.exchange.lines import GOODBYE, Line, Outgoing
from trio_calls.transport import WebSocket, WebSocketClosed

#: Seconds for what is queued, and for the goodbye, once a connection is being closed.
CLOSING_SECONDS: Final = 5.0


class SocketTasks:
    """Reads a WebSocket into a function, and writes to it from a bounded queue.

    Nothing that the exchange does waits for a peer: `send` never blocks, and a peer that reads too
    slowly for the queue to hold what it is sent loses its connection.

    Args:
      queue_size: messages that may wait to be written.
      on_overflow: called once if they are more; the connection is being dropped then.
      line: everything that goes in and out passes here.
    """

    def __init__(self, queue_size: int, on_overflow: Callable[[], None], line: Line) -> None:
        self._queue: deque[str | bytes] = deque()
        self._queue_size = queue_size
        self._on_overflow = on_overflow
        self._line = line
        self._work = trio.lowlevel.ParkingLot()
        self._scope = trio.CancelScope()
        self._websocket: WebSocket | None = None
        self._has_rest = False
        self._is_gathering = False
        self._is_told_to_close = False
        self._is_closing = False
        line.attach(self._enqueue, self._drop)

    def send(self, *messages: str | bytes) -> None:
        """Queue messages, to go out together; on a connection that is being closed, drop them."""
        if self._is_told_to_close or self._is_closing:
            return
        self._is_gathering = True
        try:
            for message in messages:
                self._line.send(message)
        finally:
            self._is_gathering = False
        self._write_nowait()

    def close(self) -> None:
        """Close the connection once everything queued is written, within `CLOSING_SECONDS`."""
        if not self._is_told_to_close:
            self._is_told_to_close = True
            self._line.send(GOODBYE)

    async def run(self, websocket: WebSocket, receive: Callable[[str | bytes], None]) -> None:
        """Read and write until either side closes the connection; then it is closed.

        Args:
          websocket: nothing else reads it or writes to it.
          receive: called with each message, until the connection is being closed.

        Cancellation drops the connection at once.
        """
        self._line.opened()
        self._websocket = websocket
        self._write_nowait()
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, websocket, nursery.cancel_scope)
                    nursery.start_soon(self._read, websocket, nursery.cancel_scope, receive)
        finally:
            self._is_closing = True
            self._line.closed()
            if self._scope.cancel_called:
                await trio.aclose_forcefully(websocket)
            else:
                await websocket.aclose()

    def _enqueue(self, message: Outgoing) -> None:
        if self._is_closing:
            return
        if message is GOODBYE:
            self._is_closing = True
            self._scope.deadline = trio.current_time() + CLOSING_SECONDS
            self._work.unpark()
        elif len(self._queue) < self._queue_size:
            self._queue.append(message)
            if not self._is_gathering:
                self._write_nowait()
        else:
            self._drop()
            self._on_overflow()

    def _write_nowait(self) -> None:
        """Write what waits, and leave to the writer what the connection does not take at once."""
        if self._websocket is None or self._has_rest or not self._queue:
            return
        messages = tuple(self._queue)
        self._queue.clear()
        try:
            self._has_rest = not self._websocket.send_nowait(*messages)
        except WebSocketClosed:
            # The reader will notice that, too.
            return
        if self._has_rest:
            self._work.unpark()

    def _drop(self) -> None:
        self._is_closing = True
        self._scope.cancel()

    async def _write(self, websocket: WebSocket, both: trio.CancelScope) -> None:
        with suppress(WebSocketClosed):
            while self._has_rest or not self._is_closing:
                if not self._has_rest:
                    await self._work.park()
                    continue
                await websocket.send()
                self._has_rest = False
                self._write_nowait()
            await websocket.aclose()
        both.cancel()

    async def _read(
        self, websocket: WebSocket, both: trio.CancelScope, receive: Callable[[str | bytes], None]
    ) -> None:
        try:
            while True:
                for message in await websocket.receive_batch():
                    await self._line.wait_reading()
                    # An agent that has not heard yet that the call is over may go on sending.
                    if not self._is_closing and self._line.receive(message):
                        receive(message)
        except WebSocketClosed:
            # While this side closes, reading has ended, and the agent's goodbye is still to come.
            if not self._is_closing:
                both.cancel()
