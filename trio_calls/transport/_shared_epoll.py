"""One wait for all sockets: whoever waits, reads for everybody who does.

Trio tells the system anew of every socket that a task waits for, and each task that it wakes takes
a turn of its own. With hundreds of calls, that is a good part of what a frame costs. Here sockets
stay registered, and all that have something are read in one turn.
"""

from __future__ import annotations

import select
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Final

import attrs
import trio

from trio_calls.concurrency.wakeup import Wakeup

#: Whether the system can do that.
IS_AVAILABLE: Final = sys.platform == "linux"


@attrs.define(eq=False)
class _Socket:
    """A socket, and the task in `serve` that it belongs to."""

    read: Callable[[], bool]
    context: Context = attrs.field(factory=copy_context)
    turn: Wakeup = attrs.field(factory=Wakeup)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    error: Exception | None = None


class SharedEpoll:
    """Sockets, each of them with a task that serves it.

    There is no task behind this. One of those that serve waits for all sockets, and when it leaves,
    another one takes its turn: so nothing runs outside the scope of some connection.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, _Socket] = {}
        self._is_somebody_waiting = False

    async def serve(self, descriptor: int, read: Callable[[], bool]) -> None:
        """Read a socket whenever it has something, until `read` has enough.

        Args:
          descriptor: of the socket, which nobody else may wait for.
          read: returns whether to go on. It runs in the context of this task, but in the turn of
            whichever one: so it must not wait, nor run code of the application. What it raises is
            raised here.

        Raises:
          trio.ClosedResourceError: the socket was unregistered.

        Cancellation: between two calls of `read`. Always a checkpoint.
        """
        socket = _Socket(read)
        self._epoll.register(descriptor, select.EPOLLIN)
        self._sockets[descriptor] = socket
        try:
            with socket.scope:
                while True:
                    if self._is_somebody_waiting:
                        await socket.turn.wait()
                    else:
                        await self._wait_for_all()
        finally:
            # After it was unregistered, a new socket may have got its descriptor.
            if self._sockets.get(descriptor) is socket:
                self._remove(descriptor)
            self._pass_on()
        if socket.error is not None:
            try:
                raise socket.error
            finally:
                # The error leads to this frame, which must not lead back to it.
                del socket

    def unregister(self, descriptor: int) -> None:
        """End `serve` for a socket that is to be closed, if it is being served."""
        if descriptor in self._sockets:
            self._remove(descriptor, trio.ClosedResourceError("the connection was closed here"))

    async def _wait_for_all(self) -> None:
        self._is_somebody_waiting = True
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                self._read_all()
        finally:
            self._is_somebody_waiting = False

    # A KeyboardInterrupt would lose what is being read.
    @trio.lowlevel.enable_ki_protection
    def _read_all(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            socket = self._sockets.get(descriptor)
            # Not if what came before has unregistered it.
            if socket is None:
                continue
            try:
                wants_more = socket.context.run(socket.read)
            except Exception as error:
                self._remove(descriptor, error)
            else:
                if not wants_more:
                    self._remove(descriptor)

    def _remove(self, descriptor: int, error: Exception | None = None) -> None:
        socket = self._sockets.pop(descriptor)
        # The system forgets a socket that somebody has closed.
        with suppress(OSError):
            self._epoll.unregister(descriptor)
        socket.error = error
        socket.scope.cancel()

    def _pass_on(self) -> None:
        """Give the turn to somebody, if nobody has it."""
        if not self._is_somebody_waiting and self._sockets:
            next(iter(self._sockets.values())).turn.wake()


# Weak: it goes with the last task that serves, and gives back what the system holds.
_shared: Final = trio.lowlevel.RunVar["weakref.ref[SharedEpoll]"]("trio_calls.shared_epoll")


async def serve_socket(descriptor: int, read: Callable[[], bool]) -> None:
    """Read a socket together with all others of this run of Trio. See `SharedEpoll.serve`."""
    shared = _find_shared()
    if shared is None:
        shared = SharedEpoll()
        _shared.set(weakref.ref(shared))
    await shared.serve(descriptor, read)


def unregister_socket(descriptor: int) -> None:
    """End `serve_socket` for a socket that is to be closed, if it is being served."""
    shared = _find_shared()
    if shared is not None:
        shared.unregister(descriptor)


def _find_shared() -> SharedEpoll | None:
    try:
        return _shared.get()()
    except LookupError:
        return None
