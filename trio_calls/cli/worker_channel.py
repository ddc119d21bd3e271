"""The channel between a supervisor and one of its workers: a pair of sockets.

::

    supervisor                                worker
    ──────────                                ──────
    SupervisorEnd ◄──────── b"s" ──────────── WorkerEnd     it serves
                  ───── signal number ──────►               obey this signal
                  ─────── 128 or 129 ───────►               report; with each call, if it is 129
                  ◄───── a line of JSON ─────               the report
                  ────── end of file ───────►               the supervisor is gone: drain

Why not plain signals? systemd signals all processes of a service, and a terminal all of a job. A
signal that the supervisor passed on would reach its workers twice, and the second SIGTERM means
something else: it ends the calls. On a channel of its own, what the supervisor wants can be told
from such an echo: `WorkerEnd` counts a SIGTERM once, whether it came as a signal, over the
channel, or both ways and in either order. SIGINT counts over the channel alone.

The end of the channel means that the supervisor is gone. It needs no ``prctl`` and cannot get
lost, however the supervisor ended. The worker then drains, as its calls need no supervisor.

Invariants:

- Each end is in one process alone. The supervisor closes its copy of the worker's socket once the
  worker has inherited it (`SupervisorEnd.lend`), and the worker makes it non-inheritable before a
  handler can start processes of its own. Any other copy would hide the end of the channel.
- The supervisor asks for no report before it has the one before. So its end is never full, and a
  signal always goes through to a worker that may be stuck.
- Writing to a peer that is gone does nothing. Reading from it reports the end of the channel, and
  never an error.

`trio_calls.cli.workers` owns the supervisor's ends, one for each process that it starts;
`trio_calls.cli.run` opens the worker's end, once in a process.
"""

from __future__ import annotations

import math
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import trio

_SERVING: Final = b"s"

#: What asks for a report, beyond all numbers of signals; the key tells whether with each call.
_REPORT: Final = {False: b"\x80", True: b"\x81"}

#: How much is read at once.
_PIECE_BYTES: Final = 2**16

#: No report is longer: so many bytes would be tens of thousands of calls.
_MAX_REPORT_BYTES: Final = 2**24


class SupervisorEnd:
    """The supervisor's end of the channel to one worker."""

    def __init__(self) -> None:
        self._socket, self._of_worker = socket.socketpair()
        self._trio_socket = trio.socket.from_stdlib_socket(self._socket)

    @contextmanager
    def lend(self) -> Iterator[int]:
        """Yield the descriptor of the worker's end, to be inherited during the block."""
        with self._of_worker:
            yield self._of_worker.fileno()

    def send_signal(self, number: int) -> None:
        """Send the worker the number of a signal to obey. Does nothing if the worker is gone."""
        with suppress(OSError):
            self._socket.send(bytes([number]))

    async def wait_serving(self) -> bool:
        """Wait until the worker serves.

        Returns:
          True if the worker serves, False if it is gone.
        """
        try:
            return await self._trio_socket.recv(1) == _SERVING
        except OSError:
            return False

    def ask(self, *, with_calls: bool) -> None:
        """Ask the worker for a report. Does nothing if the worker is gone."""
        with suppress(OSError):
            self._socket.send(_REPORT[with_calls])

    async def listen(self, on_report: Callable[[bytes], object]) -> None:
        """Take the reports of a worker that serves, until it is gone.

        Args:
          on_report: called with each. Must neither wait nor raise.
        """
        begun = b""
        while (piece := await self._receive()) and len(begun) < _MAX_REPORT_BYTES:
            *reports, begun = (begun + piece).split(b"\n")
            for report in filter(None, reports):
                on_report(report)

    async def _receive(self) -> bytes:
        try:
            return await self._trio_socket.recv(_PIECE_BYTES)
        except OSError:
            return b""

    def close(self) -> None:
        """Close the channel, which makes a worker that still runs drain."""
        self._trio_socket.close()


class WorkerEnd:
    """The worker's end of the channel. Opened by `open_worker_end`.

    Attributes:
      orders: the signals to obey, as a process without a supervisor would get them: SIGTERM drains,
        and what comes after that, or SIGINT at once, ends the calls.
    """

    def __init__(self, channel: trio.socket.SocketType) -> None:
        self._channel = channel
        self._send_order, self.orders = trio.open_memory_channel[int](math.inf)
        self._is_draining = False
        self._send_request, self._requests = trio.open_memory_channel[bool](math.inf)
        self._writing = trio.Lock()

    async def report_serving(self, serving: trio.Event) -> None:
        """Report to the supervisor that this worker serves, as soon as the event is set."""
        await serving.wait()
        await self.send(_SERVING)

    async def answer(self, make_report: Callable[[bool], bytes]) -> None:
        """Answer each time that the supervisor asks for a report.

        Args:
          make_report: makes the line of a report, with each call or without.

        Cancellation: a report that is being written ends in the middle.
        """
        async for with_calls in self._requests:
            await self.send(make_report(with_calls))

    async def send(self, data: bytes) -> None:
        """Send something, such as a report that nobody has asked for, in one piece.

        Cancellation: it ends in the middle. Nothing may be sent after that.
        """
        async with self._writing:
            with suppress(OSError):
                while data:
                    data = data[await self._channel.send(data) :]

    async def listen_to_supervisor(self) -> None:
        """Obey the supervisor until it is gone, then drain."""
        is_first = True
        while word := await self._receive():
            if word in _REPORT.values():
                self._send_request.send_nowait(word == _REPORT[True])
                continue
            if is_first and word[0] == signal.SIGTERM:
                self._drain()
            else:
                self._send_order.send_nowait(word[0])
            is_first = False
        self._drain()

    async def listen_to_signals(self, signals: AsyncIterator[int]) -> None:
        """Drain on SIGTERM, and ignore SIGINT, which is meant for the supervisor.

        A terminal sends SIGINT to all of its processes, and systemd sends SIGTERM to all of a
        service. The supervisor gets the signal too and passes it on, but it counts only once.
        """
        async for number in signals:
            if number == signal.SIGTERM:
                self._drain()

    async def _receive(self) -> bytes:
        try:
            return await self._channel.recv(1)
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
      descriptor: the descriptor of the inherited socket.
    """
    # Processes that the handler starts would hold the channel open.
    os.set_inheritable(descriptor, False)
    with (
        trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor)) as channel,
        trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
    ):
        end = WorkerEnd(channel)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end.listen_to_supervisor)
            nursery.start_soon(end.listen_to_signals, signals)
            yield end
            nursery.cancel_scope.cancel()
