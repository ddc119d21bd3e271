"""What is to be sent over a stream: whole frames, in order, and without waiting where possible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import trio

from trio_calls.transport._framing import data_frame
from trio_calls.transport._interface import WebSocketClosed
from trio_calls.transport._shortcuts import nowait_sender

#: What a stream raises that is over.
STREAM_LOST: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class FrameSender:
    """Sends messages and frames, and holds what could not be sent yet.

    Any number of tasks may send at a time.

    Args:
      stream: after its handshake.
      is_masked: whether frames have to be masked, as a client's have.

    Attributes:
      is_open: whether messages may be sent. Not any more when either side has begun to close the
        connection, which is for others to notice.
      is_broken: whether a send was cancelled or failed, so that the peer may have half a frame.
    """

    def __init__(self, stream: trio.abc.Stream, *, is_masked: bool) -> None:
        self.is_open = True
        self.is_broken = False
        self._stream = stream
        self._is_masked = is_masked
        self._send_some_nowait = nowait_sender(stream)
        self._turn = trio.StrictFIFOLock()
        # It may begin in the middle of a frame.
        self._unsent: list[bytes] = []

    async def send(self, *messages: str | bytes) -> None:
        """Send messages, after all that waits. See `WebSocket.send`.

        Cancellation: half a frame may have been sent.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self.is_open:
            await trio.lowlevel.checkpoint()
            raise WebSocketClosed("the connection is over")
        for message in messages:
            self._unsent.append(data_frame(message, self._is_masked))
        await self.send_frames(())

    def send_nowait(self, *messages: str | bytes) -> bool:
        """Send messages, after all that waits, as far as possible. See `WebSocket.send_nowait`."""
        if not self.is_open or self.is_broken:
            raise WebSocketClosed("the connection is over")
        for message in messages:
            self._unsent.append(data_frame(message, self._is_masked))
        if self._turn.locked():
            return False
        data = b"".join(self._unsent)
        self._unsent.clear()
        try:
            sent_bytes = self._send_some_nowait(data)
        except STREAM_LOST:
            self.is_broken = True
            raise WebSocketClosed("the connection is over") from None
        if sent_bytes == len(data):
            return True
        self._unsent.append(data[sent_bytes:])
        return False

    def put_frames(self, frames: Iterable[bytes]) -> None:
        """Put frames, as they go over the wire, behind all that waits for the next send."""
        self._unsent += frames

    async def send_frames(self, frames: Iterable[bytes]) -> None:
        """Send frames, as they go over the wire, after all that waits and whoever sends already.

        Raises:
          WebSocketClosed: the stream is over.

        Cancellation: half a frame may have been sent. Not a checkpoint where nothing waits.
        """
        self.put_frames(frames)
        try:
            self._turn.acquire_nowait()
        except trio.WouldBlock:
            await self._turn.acquire()
        try:
            if self.is_broken:
                raise WebSocketClosed("the connection is over")
            data = b"".join(self._unsent)
            self._unsent.clear()
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
            self.is_broken = True
            raise
