"""Sending without waiting, over streams that can do that."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from functools import partial

import trio


class NowaitStream(trio.abc.Stream):
    """A stream that takes bytes without waiting."""

    @abstractmethod
    def send_some_nowait(self, data: bytes) -> int:
        """Send as much as can be sent at once. Not to be called while `send_all` is under way.

        Returns:
          How many bytes were sent.

        Raises:
          trio.BrokenResourceError: the other end is gone.
          trio.ClosedResourceError: this end was closed.
        """


def nowait_sender(stream: trio.abc.Stream) -> Callable[[bytes], int]:
    """Find the way to send over a stream without waiting.

    Returns:
      What `NowaitStream.send_some_nowait` is; for a stream that can only wait it sends nothing.
    """
    if isinstance(stream, NowaitStream):
        return stream.send_some_nowait
    # Elsewhere a socket is no file.
    if isinstance(stream, trio.SocketStream) and os.name == "posix":
        return partial(_write_to_socket, stream.socket)
    return lambda data: 0


def _write_to_socket(socket: trio.socket.SocketType, data: bytes) -> int:
    try:
        return os.write(socket.fileno(), data)
    except BlockingIOError:
        return 0
    except OSError as error:
        raise trio.BrokenResourceError(f"the connection is broken: {error.strerror}") from error
