"""A stream that raises what goes wrong with a WebSocket handshake.

trio-websocket waits for the end of its handshake on an event that nothing sets when the other side
hangs up, sends nonsense, or never stops sending headers. `HandshakeStream` notices and raises: the
task of the library that reads it fails then, and whoever waits for the handshake with it.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NoReturn

import trio

from trio_calls.transport._interface import ServerUnverified, TLSFailed, WebSocketError
from trio_calls.transport._refusal import RefusalReader, refusal_ended_by_hangup
from trio_calls.transport._response_head import ResponseHead

#: The longest handshake, with its headers and the body of a refusal, in bytes.
MAX_HANDSHAKE_BYTES = 2**16

#: How long the rest of a refusal may take. Its status is known by then.
REFUSAL_SECONDS: Final = 1.0

_END_OF_HEAD = b"\r\n\r\n"


class HandshakeStream(trio.abc.Stream):
    """Passes everything on to a stream, and watches the handshake.

    Args:
      stream: the stream to the peer.
      is_client: whether a server's answer is to be read, rather than a client's request.
      received: what has come over it already.

    Attributes:
      is_shaking_hands: whether a stream that ends or breaks is a `WebSocketError`. Set to False by
        whoever knows that the handshake is over.
      received: what has come during the handshake, perhaps with what was behind it.
      response: what the server has answered; None for a server itself.
    """

    def __init__(self, stream: trio.abc.Stream, *, is_client: bool, received: bytes = b"") -> None:
        self.is_shaking_hands = True
        self.response = ResponseHead() if is_client else None
        self.received = bytearray()
        self._stream = stream
        self._beginning = received

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError as error:
            self._raise_in_handshake(error)
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        while True:
            beginning, self._beginning = self._beginning, b""
            try:
                data = beginning or await self._stream.receive_some(max_bytes)
            except trio.BrokenResourceError as error:
                self._raise_in_handshake(error)
                raise
            if not self.is_shaking_hands:
                return data
            if given := await self._receive_handshake(data):
                return given

    async def _receive_handshake(self, data: bytes | bytearray) -> bytes | bytearray:
        """Return what the library is to be given; nothing if it has to wait for more."""
        self.received += data
        given: bytes | bytearray
        if self.response is not None:
            given, size = self.response.receive(data), self.response.size
            if self.response.refusal is not None:
                await raise_refusal(self.response.refusal, self._stream.receive_some)
        else:
            given, size = data, end_of_head(self.received, len(data)) or len(self.received)
        if not data or size > MAX_HANDSHAKE_BYTES:
            await self._fail_handshake(has_ended=not data)
        return given

    async def aclose(self) -> None:
        was_shaking_hands = self.is_shaking_hands
        self.is_shaking_hands = False
        await self._stream.aclose()
        if was_shaking_hands:
            # The error of the library quotes what was sent, so it is not chained.
            raise not_a_handshake() from None

    async def abandon(self) -> None:
        """Close the stream at once, without a closing handshake."""
        self.is_shaking_hands = False
        await drop(self._stream)

    async def _fail_handshake(self, *, has_ended: bool) -> None:
        # The handshake may just have ended well, and its task may not have run since.
        await trio.lowlevel.checkpoint()
        if not self.is_shaking_hands:
            return
        if not has_ended:
            raise too_long()
        raise refusal_ended_by_hangup(self.received) or WebSocketError(
            "the connection was closed during the WebSocket handshake"
        )

    def _raise_in_handshake(self, error: trio.BrokenResourceError) -> None:
        if self.is_shaking_hands:
            raise_broken(error)


async def raise_refusal(
    reader: RefusalReader, receive_some: Callable[[], Awaitable[bytes | bytearray]]
) -> NoReturn:
    """Raise what a server has answered in place of a WebSocket, as far as it comes in time."""
    with suppress(trio.BrokenResourceError), trio.move_on_after(REFUSAL_SECONDS):
        while not reader.is_complete:
            reader.receive(await receive_some())
    raise reader.refusal or not_a_handshake()


def not_a_handshake() -> WebSocketError:
    """Make the error for what is neither a handshake nor a refusal."""
    return WebSocketError("what the other side sent is not a WebSocket handshake")


def too_long() -> WebSocketError:
    """Make the error for a handshake without an end."""
    return WebSocketError(
        f"the WebSocket handshake is too long: more than {MAX_HANDSHAKE_BYTES:,} bytes"
    )


async def drop(stream: trio.abc.Stream) -> None:
    """Close a stream at once. Whatever it raises then, it is of no use any more."""
    with suppress(Exception):
        await trio.aclose_forcefully(stream)


def end_of_head(handshake: bytearray, new_bytes: int) -> int | None:
    """Return where the head of a handshake ends, or None if it does not yet.

    Args:
      handshake: what has come so far.
      new_bytes: how many of its last bytes are new. The head had not ended before them.
    """
    start = len(handshake) - new_bytes
    end = handshake.find(_END_OF_HEAD, max(0, start - len(_END_OF_HEAD) + 1))
    return None if end < 0 else end + len(_END_OF_HEAD)


def raise_broken(error: trio.BrokenResourceError) -> NoReturn:
    """Raise the `WebSocketError` for a stream that broke during the handshake."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        raise ServerUnverified(cause.verify_message) from None
    if isinstance(cause, ssl.SSLError):
        raise TLSFailed(cause.reason or "unknown reason") from None
    raise WebSocketError("the connection broke during the handshake") from None
