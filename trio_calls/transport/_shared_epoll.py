"""One epoll for the sockets of all calls: whoever waits for it reads for everybody.

Trio registers a socket with the system each time that a task waits for it, and gives each task that
it wakes a turn of its own. Beyond 100 calls, that is a good part of what a frame costs. Here the
sockets stay registered in one epoll, and all that have something to read are read in one turn::

    task of call 1 ── waits for the epoll ──► reads sockets 1, 2 and 3, each in the context of
    task of call 2 ── parked                  the task that it belongs to
    task of call 3 ── parked

    call 1 is over: its task wakes that of call 2, which waits for the epoll from then on

No task stands behind this, so nothing runs outside the scope of some connection, and nothing has to
be started or stopped.

What always holds:

- While sockets are registered, at most one of their tasks waits for the epoll. If none does, one
  has been woken to do it; should that one go before its turn comes, it wakes another.
- A socket is read by one task at a time: a pass over the sockets has no checkpoint.
- What `read` raises is raised in the task that the socket belongs to, whoever has called it. The
  other sockets are read on.
- A socket is unregistered before it is closed. The system gives its descriptor to the next socket
  that is opened, and would tell one connection what another one has to read.

Who may call: the task that a connection belongs to calls `serve_socket`, once for each socket, and
waits for that socket in no other way meanwhile. Whoever closes the socket, in whatever task of the
same run of Trio, calls `unregister_socket` first. A `read` must not wait, and must not run code of
the application: that would hold up every other call.
"""

from __future__ import annotations

import select
import sys
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Final

import attrs
import trio

from trio_calls.concurrency.wakeup import Wakeup

#: Whether this system has an epoll.
IS_AVAILABLE: Final = sys.platform == "linux"


class NoEpoll(Exception):
    """The system has no epoll for this socket: no descriptor is left, or too much is watched."""


@attrs.define(eq=False)
class _Socket:
    """A socket that is being served.

    Attributes:
      read: reads the socket, and returns whether to go on.
      context: the context of the task that the socket belongs to.
      turn: woken when that task is to wait for the epoll.
      scope: cancelled when the socket was unregistered, to end `SharedEpoll.serve`.
      error: what `SharedEpoll.serve` raises then; None if `read` had enough.
    """

    read: Callable[[], bool]
    context: Context = attrs.field(factory=copy_context)
    turn: Wakeup = attrs.field(factory=Wakeup)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    error: Exception | None = None


class SharedEpoll:
    """The sockets that are being served, each by a task of its own."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, _Socket] = {}
        self._is_somebody_waiting = False

    async def serve(self, descriptor: int, read: Callable[[], bool]) -> None:
        """Read a socket whenever it has something to read, until `read` has enough.

        Args:
          descriptor: the descriptor of the socket.
          read: reads the socket, and returns whether to go on. It is called in the context of this
            task, but in the turn of any task that serves. What it raises is raised here.

        Raises:
          NoEpoll: the system does not let the socket be registered. Nothing was read.
          trio.ClosedResourceError: the socket was unregistered.

        Cancellation: between two calls of `read`. Always a checkpoint.
        """
        socket = _Socket(read)
        try:
            self._epoll.register(descriptor, select.EPOLLIN)
        except OSError as error:
            raise NoEpoll from error
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
            # One that was read before it may have unregistered it.
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
        """Wake a task to wait for the epoll, if none does."""
        if not self._is_somebody_waiting and self._sockets:
            next(iter(self._sockets.values())).turn.wake()


# Weak, so that the epoll is closed with the last task that serves.
_shared: Final = trio.lowlevel.RunVar["weakref.ref[SharedEpoll]"]("trio_calls.shared_epoll")


def serve_socket(descriptor: int, read: Callable[[], bool]) -> Awaitable[None]:
    """Serve a socket together with all others of this run of Trio. See `SharedEpoll.serve`."""
    shared = _find_shared()
    if shared is None:
        try:
            shared = SharedEpoll()
        except OSError as error:
            raise NoEpoll from error
        _shared.set(weakref.ref(shared))
    return shared.serve(descriptor, read)


def unregister_socket(descriptor: int) -> None:
    """Unregister a socket that is to be closed. See `SharedEpoll.unregister`."""
    shared = _find_shared()
    if shared is not None:
        shared.unregister(descriptor)


def _find_shared() -> SharedEpoll | None:
    try:
        return _shared.get()()
    except LookupError:
        return None
