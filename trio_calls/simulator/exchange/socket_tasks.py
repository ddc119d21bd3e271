"""The two tasks of a socket of the exchange: one reads, one writes, and nobody waits for either."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import trio

from trio_calls.simulator.exchange.taps import CLOSE, Outgoing, Tap
from trio_calls.transport import NORMAL_CLOSURE, EagerWriter, WebSocket, WebSocketClosed

#: Seconds for what is queued, and for the close, once a connection is being closed.
CLOSING_SECONDS: Final = 5.0


class _QueueWriter(EagerWriter):
    """Sends what waits in a queue, all of it together.

    Attributes:
      queue: what waits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queue: deque[str | bytes] = deque()

    def _take(self) -> Sequence[str | bytes]:
        messages = tuple(self.queue)
        self.queue.clear()
        return messages


class SocketTasks:
    """Reads a WebSocket into a function, and writes to it from a bounded queue.

    Nothing that the exchange does waits for a peer: `send` never blocks, and a peer that reads too
    slowly for the queue to hold what it is sent loses its connection.

    Args:
      queue_size: messages that may wait to be written.
      on_overflow: called once if they are more; the connection is being dropped then.
      tap: everything that goes in and out passes here.
    """

    def __init__(self, queue_size: int, on_overflow: Callable[[], None], tap: Tap) -> None:
        self._writer = _QueueWriter()
        self._queue_size = queue_size
        self._on_overflow = on_overflow
        self._tap = tap
        self._scope = trio.CancelScope()
        self._is_told_to_close = False
        self._is_closing = False
        self._goodbye: tuple[int, str] = (NORMAL_CLOSURE, "")
        tap.attach(self._enqueue, self._drop)

    def send(self, *messages: str | bytes) -> None:
        """Queue messages, to go out together; on a connection that is being closed, drop them."""
        if self._is_told_to_close or self._is_closing:
            return
        with self._writer.corked():
            for message in messages:
                self._tap.send(message)

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection once everything queued is written, within `CLOSING_SECONDS`.

        Args:
          code: the close code that the other side is told.
          reason: the same in words, 123 bytes at the most.
        """
        if not self._is_told_to_close:
            self._is_told_to_close = True
            self._goodbye = (code, reason)
            self._tap.send(CLOSE)

    async def run(self, websocket: WebSocket, receive: Callable[[str | bytes], None]) -> None:
        """Read and write until either side closes the connection; then it is closed.

        Args:
          websocket: nothing else reads it or writes to it.
          receive: called with each message, until the connection is being closed.

        Cancellation drops the connection at once.
        """
        self._tap.opened()
        self._writer.open(websocket)
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, websocket, nursery.cancel_scope)
                    nursery.start_soon(self._read, websocket, nursery.cancel_scope, receive)
        finally:
            self._is_closing = True
            self._tap.closed()
            if self._scope.cancel_called:
                await trio.aclose_forcefully(websocket)
            else:
                await websocket.aclose()

    def _enqueue(self, message: Outgoing) -> None:
        if self._is_closing:
            return
        if message is CLOSE:
            self._is_closing = True
            self._scope.deadline = trio.current_time() + CLOSING_SECONDS
            self._writer.finish()
        elif self._writer.is_lost:
            # The reader has not noticed yet, perhaps because a fault keeps it from reading.
            return
        elif len(self._writer.queue) < self._queue_size:
            self._writer.queue.append(message)
            self._writer.write()
        else:
            self._drop()
            self._on_overflow()

    def _drop(self) -> None:
        self._is_closing = True
        self._scope.cancel()

    async def _write(self, websocket: WebSocket, both: trio.CancelScope) -> None:
        await self._writer.run(websocket)
        await websocket.aclose(*self._goodbye)
        both.cancel()

    async def _read(
        self, websocket: WebSocket, both: trio.CancelScope, receive: Callable[[str | bytes], None]
    ) -> None:
        try:
            while True:
                for message in await websocket.receive_batch():
                    await self._tap.wait_reading()
                    # An agent that has not heard yet that the call is over may go on sending.
                    if not self._is_closing and self._tap.receive(message):
                        receive(message)
        except WebSocketClosed:
            # While this side closes, reading has ended, and the agent's close is still to come.
            if not self._is_closing:
                both.cancel()
