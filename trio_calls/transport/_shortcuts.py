"""Shorter ways to send and to receive, over streams that have them.

A socket is written and read with the operating system's calls themselves, without Trio's layers in
between. A stream that is a `NowaitStream` brings ways of its own; over all others, such as those of
tests, one can only wait.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from trio_calls.transport._interface import RECEIVE_BYTES

# On other systems, a socket cannot be read and written like a file.
_SOCKETS_ARE_FILES: Final = os.name == "posix"


class NowaitStream(trio.abc.Stream):
    """A stream that takes bytes without waiting."""

    @abstractmethod
    def send_some_nowait(self, data: bytes) -> int:
        """Send as much as can be sent at once. Must not be called while `send_all` is under way.

        Returns:
          How many bytes were sent.

        Raises:
          trio.BrokenResourceError: the other end is gone.
          trio.ClosedResourceError: this end was closed.
        """

    def nowait_receiver(self) -> tuple[int, Callable[[], bytes | None]] | None:
        """Return how to receive without waiting. See the function of this name."""
        return None


def nowait_sender(stream: trio.abc.Stream) -> Callable[[bytes], int]:
    """Return how to send over a stream without waiting.

    Returns:
      A function like `NowaitStream.send_some_nowait`. Over a stream that can only wait, it sends
      nothing.
    """
    if isinstance(stream, NowaitStream):
        return stream.send_some_nowait
    if isinstance(stream, trio.SocketStream) and _SOCKETS_ARE_FILES:
        return partial(_write_to_socket, stream.socket.fileno)
    return lambda data: 0


def receiver(stream: trio.abc.Stream) -> Callable[[int], Awaitable[bytes | bytearray]]:
    """Return how to receive from a stream with the fewest calls of the operating system.

    Returns:
      A function like `trio.abc.ReceiveStream.receive_some`.
    """
    if isinstance(stream, trio.SocketStream) and _SOCKETS_ARE_FILES:
        return partial(_read_from_socket, stream.socket)
    return stream.receive_some


def nowait_receiver(stream: trio.abc.Stream) -> tuple[int, Callable[[], bytes | None]] | None:
    """Return the socket that a stream receives from, and how to receive without waiting.

    Returns:
      The descriptor of the socket, and a function that returns what has come: None if nothing has,
      and no bytes at the end. It must not be called after the stream was closed, as the descriptor
      may be another socket's then. None for a stream that can only wait, or is closed.
    """
    if isinstance(stream, NowaitStream):
        return stream.nowait_receiver()
    if isinstance(stream, trio.SocketStream) and _SOCKETS_ARE_FILES:
        descriptor = stream.socket.fileno()
        if descriptor >= 0:
            return descriptor, partial(_read_nowait, descriptor)
    return None


def _write_to_socket(descriptor: Callable[[], int], data: bytes) -> int:
    try:
        return os.write(descriptor(), data)
    except BlockingIOError:
        return 0
    except OSError as error:
        raise _broken(error) from error


async def _read_from_socket(socket: trio.socket.SocketType, max_bytes: int) -> bytes:
    while True:
        descriptor = socket.fileno()
        if descriptor < 0:
            raise trio.ClosedResourceError("the connection was closed here")
        # Trio tries to read before it waits. On a live connection that is nearly always in vain.
        await trio.lowlevel.wait_readable(descriptor)
        data = _read_nowait(descriptor, max_bytes)
        if data is not None:
            return data


def _read_nowait(descriptor: int, max_bytes: int = RECEIVE_BYTES) -> bytes | None:
    try:
        return os.read(descriptor, max_bytes)
    except BlockingIOError:
        return None
    except OSError as error:
        raise _broken(error) from error


def _broken(error: OSError) -> trio.BrokenResourceError:
    return trio.BrokenResourceError(f"the connection is broken: {error.strerror}")
