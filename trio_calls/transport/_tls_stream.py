"""TLS that can send without waiting.

`trio.SSLStream` cannot: with it, each frame of an agent's audio takes a turn of another task, and
passes through three locks. A call costs 17 ms a second through it, and 12 through this. All of TLS
is the standard library's `ssl.SSLObject` here as there: handshake, certificates and cryptography.
Only the way of the bytes differs::

    send_all, send_some_nowait ──► SSLObject.write ──► _outgoing ──► _unsent ──► stream
                                                          ▲
                                       what TLS itself ───┘
                                       has to say
    receive_some ◄──────────────── SSLObject.read ◄─── _incoming ◄────────────── stream

What always holds:

- What is encrypted goes out, once and in this order: TLS counts its records. So data that
  `send_some_nowait` could not send is encrypted all the same. It returns 0, and the caller has to
  come again with the same bytes first; `_encrypted_bytes` of them are skipped then.
- While a task waits in `send_all`, nobody else passes bytes to the stream.
- Whoever receives never waits for a peer that does not read. What TLS has to say while something is
  received goes out at once where that is possible, and otherwise with what is sent next.
- A fault that is found behind data is raised only after that data was received.
- A connection ends as HTTPS does: either side just hangs up, and nobody waits for the other's end.

Who may call: one task may send while one receives. `send_some_nowait` and what `nowait_receiver`
returns have no checkpoint and may be called in any task's turn, while nobody waits to send, or to
receive.
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

#: The reason of `ssl` when the other side has hung up without a word, which is how HTTPS ends.
_RAGGED_END = "UNEXPECTED_EOF_WHILE_READING"


class TLSStream(NowaitStream):
    """A client's end of a TLS connection.

    Args:
      stream: the stream that TLS runs on; closed with this one.
      ssl_context: verifies the server.
      server_hostname: the name that the server's certificate has to be for.
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
        # Whether TLS is asked for data at all. Where it has none it raises, and to raise takes it
        # longer than all else that a frame takes. Once it is over, it says so each time.
        self._may_have_data = False
        # What broke the connection, and is raised once all before it was received.
        self._fault: ssl.SSLError | None = None
        # Encrypted data; and how much of the data that is to be sent next is in there already.
        self._unsent = b""
        self._encrypted_bytes = 0

    async def do_handshake(self) -> None:
        """Shake hands, and verify the server. Has to be awaited before anything else.

        Raises:
          trio.BrokenResourceError: the server could not be verified, it refused, or it hung up;
            where TLS knows why, an `ssl.SSLError` is the cause.

        Cancellation: the stream is of no use then but to be closed.
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
                self._tls.write(
                    memoryview(data)[self._encrypted_bytes :] if self._encrypted_bytes else data
                )
            except ssl.SSLError as error:
                raise _broken(error) from error
            self._encrypted_bytes = len(data)

    def _decrypt(self, max_bytes: int) -> bytes | None:
        """Return all data that has come: None if there is none yet, no bytes at the end."""
        if self._fault is not None:
            raise _broken(self._fault) from self._fault
        pieces: list[bytes] = []
        missing_bytes = max_bytes
        try:
            while missing_bytes and self._may_have_data:
                piece = self._tls.read(missing_bytes)
                if not piece:
                    return b"".join(pieces)
                pieces.append(piece)
                missing_bytes -= len(piece)
                self._may_have_data = not missing_bytes or self._incoming.pending > 0
        except ssl.SSLWantReadError:
            self._may_have_data = False
        except ssl.SSLError as error:
            if not _is_end(error):
                self._fault = error
                if not pieces:
                    raise _broken(error) from error
            return b"".join(pieces)
        if self._outgoing.pending:
            # That the peer is gone is for whoever sends to notice.
            with suppress(trio.BrokenResourceError):
                self._push()
        return b"".join(pieces) or None

    async def _receive(self) -> None:
        self._take_in(await self._receive_some(RECEIVE_BYTES))

    def _take_in(self, data: bytes | bytearray) -> None:
        self._may_have_data = True
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _push(self) -> None:
        """Send what is encrypted, including what TLS itself has to say, without waiting."""
        self._unsent += self._outgoing.read()
        if self._unsent and not self._is_sending:
            self._unsent = self._unsent[self._send_some_nowait(self._unsent) :]

    async def _flush(self) -> None:
        """Send all that is encrypted, waiting as long as it takes. Always a checkpoint."""
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
