"""TLS that can send without waiting.

`trio.SSLStream` cannot: with it, each frame of an agent's audio takes a turn of another task, and
passes through three locks. Here as there, all of TLS is the standard library's `ssl.SSLObject`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import trio

from trio_calls.transport._interface import RECEIVE_BYTES
from trio_calls.transport._shortcuts import (
    NowaitStream,
    nowait_receiver,
    nowait_sender,
    receiver,
)

#: What `ssl` says where the other side is gone without a word, which is how HTTPS ends.
_RAGGED_END = "UNEXPECTED_EOF_WHILE_READING"


class TLSStream(NowaitStream):
    """A client's end of a TLS connection. It ends as HTTPS does: either side just hangs up.

    What could not be sent without waiting has been encrypted all the same, so it has to be what is
    sent next. What TLS itself has to say while it receives goes out at once where that is possible,
    and otherwise with what is sent next.

    Args:
      stream: what TLS runs on; closed with this one.
      ssl_context: verifies the server.
      server_hostname: whom it has to be.
    """

    def __init__(
        self, stream: trio.abc.Stream, ssl_context: ssl.SSLContext, server_hostname: str
    ) -> None:
        self._stream = stream
        self._send_some_nowait = nowait_sender(stream)
        self._receive_some = receiver(stream)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = ssl_context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        self._is_sending = False
        # What broke the connection, perhaps found behind what was still to be received.
        self._fault: ssl.SSLError | None = None
        # Encrypted; and how much of what is to be sent is in there already.
        self._unsent = b""
        self._encrypted_bytes = 0

    async def do_handshake(self) -> None:
        """Shake hands, and verify the server. To be awaited before anything else.

        Raises:
          trio.BrokenResourceError: the server could not be verified, it refused, or it hung up;
            where TLS knows why, an `ssl.SSLError` is the cause.

        Cancellation: the stream can only be closed after that.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            except ssl.SSLError as error:
                raise _broken(error) from error
            else:
                await self._flush()
                return

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        self._encrypt(data)
        await self._flush()
        self._encrypted_bytes = 0

    def send_some_nowait(self, data: bytes) -> int:
        self._encrypt(data)
        self._push()
        if self._unsent:
            return 0
        self._encrypted_bytes = 0
        return len(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint_if_cancelled()
        data = self._decrypt(max_bytes or RECEIVE_BYTES)
        if data is not None:
            await trio.lowlevel.cancel_shielded_checkpoint()
            return data
        while data is None:
            await self._receive()
            data = self._decrypt(max_bytes or RECEIVE_BYTES)
        return data

    def nowait_receiver(self) -> tuple[int, Callable[[], bytes | None]] | None:
        below = nowait_receiver(self._stream)
        if below is None:
            return None
        descriptor, receive = below
        return descriptor, partial(self._receive_nowait, receive)

    def _receive_nowait(self, receive: Callable[[], bytes | None]) -> bytes | None:
        data = receive()
        if data is None:
            return None
        self._take_in(data)
        return self._decrypt(RECEIVE_BYTES)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _encrypt(self, data: bytes | bytearray | memoryview) -> None:
        if len(data) > self._encrypted_bytes:
            try:
                self._tls.write(memoryview(data)[self._encrypted_bytes :])
            except ssl.SSLError as error:
                raise _broken(error) from error
            self._encrypted_bytes = len(data)

    def _decrypt(self, max_bytes: int) -> bytes | None:
        """Read all that has come; None where there is nothing yet, nothing at the end."""
        if self._fault is not None:
            raise _broken(self._fault) from self._fault
        pieces = []
        missing_bytes = max_bytes
        try:
            while missing_bytes and (piece := self._tls.read(missing_bytes)):
                pieces.append(piece)
                missing_bytes -= len(piece)
        except ssl.SSLWantReadError:
            # That it can't be told anything is for those to find out who send.
            with suppress(trio.BrokenResourceError):
                self._push()
            return b"".join(pieces) or None
        except ssl.SSLError as error:
            if not _is_end(error):
                self._fault = error
                if not pieces:
                    raise _broken(error) from error
        return b"".join(pieces)

    async def _receive(self) -> None:
        self._take_in(await self._receive_some(RECEIVE_BYTES))

    def _take_in(self, data: bytes | bytearray) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _push(self) -> None:
        """Send what can be sent at once: what was encrypted, and what TLS itself has to say."""
        self._unsent += self._outgoing.read()
        if self._unsent and not self._is_sending:
            self._unsent = self._unsent[self._send_some_nowait(self._unsent) :]

    async def _flush(self) -> None:
        """Send everything, waiting as long as it takes. Always a checkpoint."""
        if self._is_sending:
            raise trio.BusyResourceError("another task is sending on this stream")
        self._is_sending = True
        try:
            is_done = False
            while not is_done:
                data = self._unsent + self._outgoing.read()
                self._unsent = b""
                await self._stream.send_all(data)
                is_done = not self._unsent
        finally:
            self._is_sending = False


def _is_end(error: ssl.SSLError) -> bool:
    return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or (
        error.reason == _RAGGED_END
    )


def _broken(error: ssl.SSLError) -> trio.BrokenResourceError:
    return trio.BrokenResourceError(f"TLS failed: {error.reason or 'the other side is gone'}")
