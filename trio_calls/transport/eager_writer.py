"""Writing to a WebSocket: at once what it takes at once, and the rest from a task.

::

    something to send ── write() ──► send_nowait() ── all of it is on the wire
                                          │
                                          └────────── a part is left ──► run() ── send() ── write()

Whoever comes up with something to send sends it: an agent that has audio ready, a reader that got
credit, a clock that ticks. There is no checkpoint in that, so that nobody can be cancelled in the
middle of a message, and no other task has to wake up for it. That halves what a frame costs.

What the connection does not take at once stays with it, and `run`, a task that no application
cancels, waits for it to go out. Meanwhile nobody else sends. So each socket has one writer at a
time, and everything goes out in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import trio

from trio_calls.transport._interface import WebSocket, WebSocketClosed


class EagerWriter:
    """Sends what `_take` has, as soon as there is some and the connection takes it.

    Attributes:
      is_lost: whether the connection has turned out to be over: nothing more is sent.
    """

    def __init__(self) -> None:
        self.is_lost: bool = False
        self._websocket: WebSocket | None = None
        self._is_corked = False
        # Whether there is something that the connection did not take at once.
        self._has_unsent = False
        self._is_finishing = False
        self._work = trio.lowlevel.ParkingLot()

    def _take(self) -> Sequence[str | bytes]:
        """Take what is to be sent next; nothing if there is nothing that may be sent now."""
        raise NotImplementedError

    def _note_delivery(self) -> None:
        """Note that everything that was taken is on the wire."""

    def _note_progress(self) -> None:
        """Note that everything was sent that could be sent now."""

    async def _idle(self) -> None:
        """Wait until there is something to do for `run`."""
        await self._work.park()

    def open(self, websocket: WebSocket) -> None:
        """Write to this connection from now on."""
        self._websocket = websocket
        self.write()

    async def run(self, websocket: WebSocket) -> None:
        """Send what the connection does not take at once, until it is over, or after `finish`.

        Cancellation: half a message may have been sent.
        """
        try:
            # A connection that is over is the reader's to notice.
            with suppress(WebSocketClosed):
                while self._has_unsent or not self._is_finishing:
                    if not self._has_unsent:
                        await self._idle()
                        continue
                    await websocket.send()
                    self._has_unsent = False
                    self._note_delivery()
                    self.write()
        finally:
            self._websocket = None

    def finish(self) -> None:
        """Make `run` return as soon as everything is sent."""
        self._is_finishing = True
        self._work.unpark()

    @contextmanager
    def corked(self) -> Iterator[None]:
        """Send nothing inside the block, and all there is in one go at its end."""
        self._is_corked = True
        try:
            yield
        finally:
            self._is_corked = False
            self.write()

    # A KeyboardInterrupt between two of its steps would lose what is being sent.
    @trio.lowlevel.enable_ki_protection
    def write(self) -> None:
        """Send what there is to send. Never waits."""
        if self._websocket is None or self._is_corked:
            return
        while not self._has_unsent and (messages := self._take()):
            self._transmit(self._websocket, *messages)
        self._note_progress()

    def _transmit(self, websocket: WebSocket, *messages: str | bytes) -> None:
        try:
            self._has_unsent = not websocket.send_nowait(*messages)
        except WebSocketClosed:
            # The reader will notice that, too.
            self.is_lost = self._has_unsent = True
            return
        if self._has_unsent:
            self._work.unpark()
        else:
            self._note_delivery()
