"""What a supervisor and a worker tell each other, over a pair of sockets.

The worker sends one byte when it serves. The supervisor sends the number of each signal that its
worker is to obey. The end of the line tells the worker that there is no supervisor any more: that
cannot get lost, however the supervisor has ended.
"""

from __future__ import annotations

import math
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import trio

_SERVING: Final = b"s"


class SupervisorEnd:
    """The supervisor's end of the line to one worker."""

    def __init__(self) -> None:
        self._socket, self._of_worker = socket.socketpair()
        self._trio_socket = trio.socket.from_stdlib_socket(self._socket)

    @contextmanager
    def lend(self) -> Iterator[int]:
        """Give the worker's end away: its descriptor, to be inherited during the block."""
        with self._of_worker:
            yield self._of_worker.fileno()

    def tell(self, number: int) -> None:
        """Tell the worker to obey a signal. One that has gone is told nothing."""
        with suppress(OSError):
            self._socket.send(bytes([number]))

    async def wait_serving(self) -> bool:
        """Wait until the worker serves.

        Returns:
          Whether it does; False when it has gone.
        """
        try:
            return await self._trio_socket.recv(1) == _SERVING
        except OSError:
            return False

    def close(self) -> None:
        """Hang up."""
        self._trio_socket.close()


class WorkerEnd:
    """The worker's end of the line. Opened by `open_worker_end`.

    Attributes:
      orders: the signals to obey, as one process alone would get them: SIGTERM drains, and what
        comes after that, or SIGINT at once, ends the calls.
    """

    def __init__(self, line: trio.socket.SocketType) -> None:
        self._line = line
        self._send_order, self.orders = trio.open_memory_channel[int](math.inf)
        self._is_draining = False

    async def tell_serving(self, serving: trio.Event) -> None:
        """Tell the supervisor, as soon as the event is set."""
        await serving.wait()
        with suppress(OSError):
            await self._line.send(_SERVING)

    async def listen_to_supervisor(self) -> None:
        """Obey what the supervisor says. When it has gone, drain."""
        is_first = True
        while word := await self._receive():
            if is_first and word[0] == signal.SIGTERM:
                self._drain()
            else:
                self._send_order.send_nowait(word[0])
            is_first = False
        self._drain()

    async def listen_to_signals(self, signals: AsyncIterator[int]) -> None:
        """Take SIGTERM as a wish to drain, and SIGINT as meant for the supervisor.

        A terminal sends SIGINT to all of its processes, and systemd sends SIGTERM to all of a
        service. The supervisor gets it too and says the same once more; it counts once.
        """
        async for number in signals:
            if number == signal.SIGTERM:
                self._drain()

    async def _receive(self) -> bytes:
        try:
            return await self._line.recv(1)
        except OSError:
            return b""

    def _drain(self) -> None:
        if not self._is_draining:
            self._is_draining = True
            self._send_order.send_nowait(signal.SIGTERM)


@asynccontextmanager
async def open_worker_end(descriptor: int) -> AsyncIterator[WorkerEnd]:
    """Listen to the supervisor, and to signals, inside the block.

    Args:
      descriptor: of the inherited socket.
    """
    # Processes that the handler starts would hold the line open.
    os.set_inheritable(descriptor, False)
    with (
        trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor)) as line,
        trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
    ):
        end = WorkerEnd(line)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end.listen_to_supervisor)
            nursery.start_soon(end.listen_to_signals, signals)
            yield end
            nursery.cancel_scope.cancel()
