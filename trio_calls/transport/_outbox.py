"""What is to be sent over a stream: whole frames, in order, and without waiting where possible."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Final

import trio

from trio_calls.transport._interface import WebSocket, WebSocketClosed
from trio_calls.transport._plain_frames import data_frame
from trio_calls.transport._shortcuts import nowait_sender

#: What a stream raises that is over.
STREAM_LOST: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class Outbox:
    """Holds what could not be sent yet. Any number of tasks may send at a time.

    Args:
      stream: after its handshake.
      is_masked: whether frames have to be masked, as a client's have.

    Attributes:
      is_torn: whether a send was cancelled or failed, so that the peer may have half a frame.
    """

    def __init__(self, stream: trio.abc.Stream, *, is_masked: bool) -> None:
        self.is_torn = False
        self._stream = stream
        self._is_masked = is_masked
        self._send_some_nowait = nowait_sender(stream)
        self._turn = trio.StrictFIFOLock()
        # It may begin in the middle of a frame.
        self._unsent: list[bytes] = []

    def put(self, messages: Iterable[str | bytes]) -> None:
        """Put messages behind all that waits."""
        for message in messages:
            self._unsent.append(data_frame(message, self._is_masked))

    def put_frames(self, frames: Iterable[bytes]) -> None:
        """Put frames, as they go over the wire, behind all that waits."""
        self._unsent += frames

    def send_nowait(self, messages: Iterable[str | bytes] = ()) -> bool:
        """Put messages behind all that waits, and send all that can be sent at once.

        Returns:
          Whether that is everything. If not, the rest goes out with the next `send`.

        Raises:
          WebSocketClosed: the stream is over.
        """
        for message in messages:
            self._unsent.append(data_frame(message, self._is_masked))
        if self._turn.locked():
            return False
        if self.is_torn:
            raise WebSocketClosed("the connection is over")
        data = b"".join(self._unsent)
        self._unsent.clear()
        try:
            sent_bytes = self._send_some_nowait(data)
        except STREAM_LOST:
            self.is_torn = True
            raise WebSocketClosed("the connection is over") from None
        if sent_bytes == len(data):
            return True
        self._unsent.append(data[sent_bytes:])
        return False

    async def send(self) -> None:
        """Send all that waits, after whoever sends already.

        Raises:
          WebSocketClosed: the stream is over.

        Cancellation: half a frame may have been sent. Not a checkpoint where nothing waits.
        """
        try:
            self._turn.acquire_nowait()
        except trio.WouldBlock:
            await self._turn.acquire()
        try:
            if self.is_torn:
                raise WebSocketClosed("the connection is over")
            data = self._take()
            if data:
                await self._send_whole(data)
        except STREAM_LOST:
            raise WebSocketClosed("the connection is over") from None
        finally:
            self._turn.release()

    async def _send_whole(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except BaseException:
            self.is_torn = True
            raise

    def _take(self) -> bytes:
        data = b"".join(self._unsent)
        self._unsent.clear()
        return data


class SendingWebSocket(WebSocket):
    """The half of a WebSocket that sends, over an `Outbox`."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    @property
    @abstractmethod
    def _is_open(self) -> bool:
        """Whether neither side has begun to close the connection."""

    async def send(self, *messages: str | bytes) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self._is_open:
            await trio.lowlevel.checkpoint()
            raise WebSocketClosed("the connection is over")
        self._outbox.put(messages)
        await self._outbox.send()

    def send_nowait(self, *messages: str | bytes) -> bool:
        if not self._is_open:
            raise WebSocketClosed("the connection is over")
        return self._outbox.send_nowait(messages)
