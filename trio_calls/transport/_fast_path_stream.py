"""The stream that trio-websocket reads and writes: it never sees a plain frame.

trio-websocket takes twice as long for a frame as websockets does, and can only wait where it sends.
It reads and writes any stream, though, so it is given this one, which keeps the plain frames to
itself (see `_fast_path_parser`)::

    stream ──► FastPathParser ── plain frames ─────────────────────► messages ──► take
                     │                                                  ▲
                     └─ all else ──► trio-websocket ── get_message ──► add

    stream ◄── FrameSender ◄── the application's messages
                     ▲
                     └──────── what trio-websocket has to say: pings, pongs, closes

What always holds:

- Messages keep the order of the wire. The library reads in a task of its own and hands its messages
  on in another; nothing more is parsed until it has made a message of each one that was deferred.
- With more than 16 messages waiting, nothing is read, so that TCP holds the peer up.
- All bytes up to the end of the handshake are the library's. What has come together with that end
  is parsed like all that comes later.
- When the library has seen a close, or has ended, all that still comes is its own.

Who may call: trio-websocket calls the methods of a stream, one task receives with `take`, and the
task that collects the library's messages calls `add` and `end`.
"""

from __future__ import annotations

from typing import Final

import trio
from trio_websocket import WebSocketConnection

from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.transport._fast_path_parser import FastPathParser
from trio_calls.transport._frame_sender import FrameSender
from trio_calls.transport._handshake_stream import HandshakeStream, end_of_head
from trio_calls.transport._interface import RECEIVE_BYTES, WebSocketClosed
from trio_calls.transport._shortcuts import receiver

_SWITCHING_PROTOCOLS: Final = b"HTTP/1.1 101"

#: The messages that may wait to be taken; with more than these, nothing is read.
_MAX_WAITING_MESSAGES: Final = 16


class FastPathStream(trio.abc.Stream):
    """Passes on the handshake, and after that every frame that is not plain.

    Args:
      stream: the stream to the peer.
      is_client: whether this side is the client.
      received: what has come over it already.

    Attributes:
      sender: sends both the library's frames and the application's messages.
      handshake: the stream to the peer, as it is used during the handshake.
      library: the connection on this stream; None until the handshake is over.
    """

    def __init__(self, stream: trio.abc.Stream, *, is_client: bool, received: bytes = b"") -> None:
        self.sender = FrameSender(stream, is_masked=is_client)
        self.handshake = HandshakeStream(stream, is_client=is_client, received=received)
        self.library: WebSocketConnection | None = None
        self._receive_some = receiver(stream)
        self._is_past_handshake = False
        # What has come and is not parsed yet: it was behind a frame of the library.
        self._unparsed = b""
        self._parser = FastPathParser(are_masked=not is_client)
        self._messages: list[str | bytes] = []
        self._library_messages = 0
        self._has_ended = False
        self._news = Wakeup()
        self._progress = Wakeup()

    async def take(self) -> list[str | bytes]:
        """Wait for a message, and take all that there are.

        Raises:
          WebSocketClosed: the connection is over, and everything before was taken.

        Cancellation: atomic. Always a checkpoint.
        """
        if self._messages or self._has_ended:
            await trio.lowlevel.checkpoint()
        while not self._messages:
            if self._has_ended:
                raise self.sender.closed()
            await self._news.wait()
        messages, self._messages = self._messages, []
        self._progress.wake()
        return messages

    def open(self, library: WebSocketConnection) -> None:
        """Begin with frames: the handshake has succeeded."""
        self.handshake.is_shaking_hands = False
        self.library = library
        self._progress.wake()

    def add(self, message: str | bytes) -> None:
        """Add a message of the library."""
        self._library_messages += 1
        self._messages.append(message)
        self._news.wake()
        self._progress.wake()

    def end(self) -> None:
        """End the messages: `take` raises when those that wait are taken."""
        self._has_ended = True
        self._news.wake()
        self._progress.wake()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what the library has to say."""
        if self.handshake.is_shaking_hands:
            await self.handshake.send_all(data)
            return
        try:
            await self.sender.send_frames([bytes(data)])
        except WebSocketClosed:
            raise trio.BrokenResourceError("the connection is over") from None

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream to the peer does."""
        await self.handshake.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what is the library's, and add the messages of the plain frames before it."""
        if not self._is_past_handshake:
            return await self._receive_handshake(max_bytes)
        while True:
            await self._wait_for_turn()
            data = self._unparsed or bytes(await self._receive_some(RECEIVE_BYTES))
            self._unparsed = b""
            if not data or self._is_over:
                return data
            start = self._parser.parse(data, 0, self._messages)
            if self._messages:
                self._news.wake()
            if start < len(data):
                end = self._parser.defer(data, start)
                self._unparsed = data[end:]
                return data[start:end]

    async def _receive_handshake(self, max_bytes: int | None) -> bytes | bytearray:
        data = await self.handshake.receive_some(max_bytes)
        response = self.handshake.response
        if response is not None:
            self._is_past_handshake = response.has_switched
            self._unparsed = response.early_data
            return data
        received = self.handshake.received
        end = end_of_head(received, len(data))
        if end is None:
            return data
        self._is_past_handshake = True
        self._unparsed = bytes(received[end:])
        return received[len(received) - len(data) : end]

    async def _wait_for_turn(self) -> None:
        """Wait until the library has made messages of what it got, and there is room for more."""
        while not self._is_over and (
            self.library is None
            or self._library_messages < self._parser.deferred_messages
            or len(self._messages) > _MAX_WAITING_MESSAGES
        ):
            await self._progress.wait()

    @property
    def _is_over(self) -> bool:
        """Whether all that still comes is the library's, as the connection is being closed."""
        is_closed = self.library is not None and self.library.closed is not None
        return self._has_ended or is_closed

    async def aclose(self) -> None:
        """Close the stream to the peer."""
        await self.handshake.aclose()
