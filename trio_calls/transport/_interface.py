"""What the layers above may ask of a WebSocket."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import attrs
import trio

#: The longest message that is received, in bytes or characters.
MAX_MESSAGE_SIZE = 2**20

#: Seconds that the other side has for its part of the closing handshake.
CLOSE_SECONDS = 2.0

#: The most that is received from the stream at a time, in bytes.
RECEIVE_BYTES = 2**16


class WebSocketError(Exception):
    """A WebSocket could not be opened. The message says why, and holds no secret of ours."""


class HostUnreachable(WebSocketError):
    """No byte stream to the host: its name, its port, or the network between."""


class TLSFailed(WebSocketError):
    """There is no TLS with the server: it refused our certificate, or does not speak TLS.

    Attributes:
      reason: what OpenSSL says about it.
    """

    _failure: ClassVar = "the TLS handshake failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{self._failure}: {reason}")
        self.reason = reason


class ServerUnverified(TLSFailed):
    """The server's certificate does not verify."""

    _failure = "its certificate does not verify"


class HandshakeRefused(WebSocketError):
    """The server answered the handshake with something else than a WebSocket.

    Attributes:
      status_code: of the HTTP response.
      reason: the beginning of its body, as printable text.
      retry_after: its ``Retry-After`` in seconds, or None.
    """

    def __init__(self, status_code: int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status_code}: {reason}" if reason else f"HTTP {status_code}")
        self.status_code = status_code
        self.reason = reason
        self.retry_after = retry_after


class WebSocketClosed(Exception):
    """The connection is over: closed by either side, or lost."""


@attrs.frozen
class HandshakeRequest:
    """What a client asks a server for.

    Attributes:
      path: the request's target.
      headers: by lower-case name, with the ``host``.
    """

    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen
class Rejection:
    """What a server answers a handshake that it does not accept.

    Attributes:
      status_code: the status of the HTTP response.
      reason: the body of the HTTP response.
    """

    status_code: int
    reason: str


class WebSocket(trio.abc.AsyncResource):
    """An open WebSocket.

    At most one task receives and at most one task sends. One should receive all the time: it may
    be only there that pings are answered, and that pongs and a close are noticed. Cancelling a send
    leaves a frame cut in half, so closing after that drops the connection without a closing
    handshake.
    """

    @abstractmethod
    async def send(self, *messages: str | bytes) -> None:
        """Send messages, in this order: text as text, bytes as binary.

        Raises:
          WebSocketClosed: the connection is over.
        """

    @abstractmethod
    def send_nowait(self, *messages: str | bytes) -> bool:
        """Send messages as `send` does, as far as that is possible without waiting.

        Returns:
          Whether all is sent. What is unsent goes out with the next `send`, be it of nothing.

        Raises:
          WebSocketClosed: the connection is over.
        """

    @abstractmethod
    async def receive_batch(self) -> list[str | bytes]:
        """Wait for a message, and return all that have arrived, at least one.

        Raises:
          WebSocketClosed: the connection is over, and everything before was returned.
        """

    async def receive_each(self, take: Callable[[list[str | bytes]], bool]) -> None:
        """Hand every batch of messages to `take` as it comes, until that returns False.

        Args:
          take: must not wait. It may be called in the turn of another task that receives, though in
            the context of this one.

        Raises:
          WebSocketClosed: the connection is over, and everything before was handed over.

        Cancellation: between two batches.
        """
        while take(await self.receive_batch()):
            pass

    @abstractmethod
    async def ping(self) -> None:
        """Send a ping and wait for its pong.

        Raises:
          WebSocketClosed: the connection is over.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connection, with a closing handshake where that is still possible.

        Idempotent. Waits 2 s for the other side at the most. Cancellation drops the connection at
        once.
        """
