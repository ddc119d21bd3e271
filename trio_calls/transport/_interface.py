"""What the layers above know of a WebSocket, and of what can go wrong with one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import attrs
import trio

from trio_calls._quoting import printable

#: The longest message that is received, in bytes or characters.
MAX_MESSAGE_SIZE = 2**20

#: How long the other side has for its part of the closing handshake, in seconds.
CLOSE_SECONDS = 2.0

#: The close code of a connection that has done what it was for.
NORMAL_CLOSURE = 1000

#: The most that is received from the stream at a time, in bytes.
RECEIVE_BYTES = 2**16

#: A close frame has room for no more.
_MAX_CLOSE_REASON_LENGTH = 123


class WebSocketError(Exception):
    """A WebSocket could not be opened. The message says why, perhaps in words of the server."""


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
    """The server answered the handshake with an HTTP response that opens no WebSocket.

    Attributes:
      status_code: the status of the response.
      reason: the beginning of the body of the response, as printable text.
      retry_after: the ``Retry-After`` of the response in seconds, or None.
    """

    def __init__(self, status_code: int, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status_code}: {reason}" if reason else f"HTTP {status_code}")
        self.status_code = status_code
        self.reason = reason
        self.retry_after = retry_after


class PlainRequestAnswered(WebSocketError):
    """The client wanted no WebSocket. It has its answer, and the stream is closed."""

    def __init__(self) -> None:
        super().__init__("the client asked for no WebSocket, and was answered")


class WebSocketClosed(Exception):
    """The connection is over: closed by either side, or lost.

    Attributes:
      code: the close code of the other side, 1005 if its close had none; None if the other side did
        not close the connection: it broke, or this side has closed it.
      reason: what the other side said with its code, as printable text.
    """

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        self.code: int | None = code
        self.reason: str = printable(reason, _MAX_CLOSE_REASON_LENGTH)
        super().__init__(
            "the connection is over"
            if code is None
            else f"the other side closed the connection: {self.words}"
        )

    @property
    def words(self) -> str:
        """The close code with its reason, such as ``1011 out of memory``; empty without a code."""
        return "" if self.code is None else f"{self.code} {self.reason}".rstrip()


@attrs.frozen
class HandshakeRequest:
    """What a client asks a server for.

    Attributes:
      path: the path that the client asks for, with its query.
      headers: the headers by lower-case name, among them the ``host``.
    """

    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)


@attrs.frozen
class PlainRequest(HandshakeRequest):
    """What a client asks a server for that wants no WebSocket.

    Attributes:
      method: such as ``GET``.
    """

    method: str


@attrs.frozen
class PlainResponse:
    """What a server answers it. The connection is closed after that.

    Attributes:
      status_code: the status of the HTTP response.
      body: its body, which is JSON.
      allow: the methods that its ``Allow`` names; None where it has none.
    """

    status_code: int
    body: bytes = attrs.field(repr=False)
    allow: str | None = None


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

    At most one task receives and at most one task waits in `send`. One should receive all the time,
    as pings may be answered only there, and pongs and a close may be noticed only there. A send
    that was cancelled may leave half a frame, so closing after that drops the connection without a
    closing handshake.
    """

    @abstractmethod
    async def send(self, *messages: str | bytes) -> None:
        """Send messages, in this order: text as text, bytes as binary.

        Raises:
          WebSocketClosed: the connection is over.
        """

    @abstractmethod
    def send_nowait(self, *messages: str | bytes) -> bool:
        """Send messages as `send` does, as far as that is possible without waiting. No checkpoint.

        Returns:
          Whether all is sent. What is unsent goes out with the next `send`, even if that has no
          message of its own.

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
          take: returns whether to go on. It must not wait. It is called in the context of this
            task, but perhaps in the turn of another one that receives.

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
    async def aclose(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, with a closing handshake where that is still possible.

        Idempotent. Waits 2 s for the other side at the most. Cancellation drops the connection at
        once.

        Args:
          code: what the other side is told, as RFC 6455 has it.
          reason: the same in words, 123 bytes at the most.
        """
