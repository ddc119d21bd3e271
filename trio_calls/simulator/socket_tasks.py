"""The two tasks of a socket of the exchange: one reads, one writes, and nobody waits for either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

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
    """

    def __init__(self, queue_size: int, on_overflow: Callable[[], None]) -> None:
        self._to_send, self._queue = trio.open_memory_channel[str | bytes](queue_size)
        self._on_overflow = on_overflow
        self._scope = trio.CancelScope()
        self._is_closing = False

    def send(self, message: str | bytes) -> None:
        """Queue a message; on a connection that is being closed, drop it."""
        if self._is_closing:
            return
        try:
            self._to_send.send_nowait(message)
        except trio.WouldBlock:
            self._close_queue()
            self._scope.cancel()
            self._on_overflow()

    def close(self) -> None:
        """Close the connection once everything queued is written, within `CLOSING_SECONDS`."""
        if not self._is_closing:
            self._close_queue()
            self._scope.deadline = trio.current_time() + CLOSING_SECONDS

    async def run(self, websocket: WebSocket, receive: Callable[[str | bytes], None]) -> None:
        """Read and write until either side closes the connection; then it is closed.

        Args:
          websocket: nothing else reads it or writes to it.
          receive: called with each message.

        Cancellation drops the connection at once.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, websocket, nursery.cancel_scope)
                    nursery.start_soon(self._read, websocket, nursery.cancel_scope, receive)
        finally:
            self._is_closing = True
            await websocket.aclose()

    def _close_queue(self) -> None:
        self._is_closing = True
        self._to_send.close()

    async def _write(self, websocket: WebSocket, both: trio.CancelScope) -> None:
        try:
            async for message in self._queue:
                if isinstance(message, bytes):
                    await websocket.send_binary(message)
                else:
                    await websocket.send_text(message)
            await websocket.aclose()
        except WebSocketClosed:
            pass
        both.cancel()

    async def _read(
        self, websocket: WebSocket, both: trio.CancelScope, receive: Callable[[str | bytes], None]
    ) -> None:
        try:
            while True:
                for message in await websocket.receive_batch():
                    receive(message)
        except WebSocketClosed:
            both.cancel()
