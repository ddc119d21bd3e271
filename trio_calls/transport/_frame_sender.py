"""Sending: whole frames, in order, and without waiting where that is possible.

What can be sent without waiting is sent at once, by whoever has come up with it: the reader that
got credit, or the handler that got audio ready. Only what the stream does not take is left to a
task that waits::

    send_nowait ─┐                               ┌─ at once ── send_some_nowait ─┐
    send ────────┼─► _unsent, in this order ─────┤                               ├─► stream
    put_frames ──┘                               └─ waiting ── send_all ─────────┘

What always holds:

- Bytes go out in the order in which they came to `_unsent`. It may begin in the middle of a frame,
  so nothing ever gets in front of what is in there.
- Only who holds `_turn` waits for the stream. While somebody does, `send_nowait` adds to `_unsent`
  and sends nothing, so two never send at a time.
- `send_nowait` has no checkpoint: nobody can be cancelled in the middle of a frame there.
- A `send` that was cancelled or has failed may leave half a frame with the peer, which would take
  whatever follows for the other half. The connection is broken then: nothing is sent on it any
  more, not even a close, and reading it is soon given up. Closing does not break a frame that
  another task is sending: the close waits for its turn, for two seconds at the most.

Who may call: any number of tasks. What `send_nowait` has left unsent goes out with the next send of
anybody, so a connection has one task that calls `send` for that: it runs `EagerWriter.run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import trio

from trio_calls.transport._framing import data_frame
from trio_calls.transport._interface import WebSocketClosed
from trio_calls.transport._shortcuts import nowait_sender

#: What a stream raises when it is over: anything, as applications bring streams of their own.
STREAM_LOST: Final = Exception

#: How long what the peer has sent before is still received, in seconds, once a send has failed.
LAST_WORDS_SECONDS: Final = 0.1


class FrameSender:
    """Sends messages and frames, and keeps what is still unsent.

    Args:
      stream: the stream to the peer, whose handshake is over.
      is_masked: whether frames have to be masked, as those of a client have.

    Attributes:
      is_open: whether messages may be sent. Whoever notices that either side has begun to close the
        connection sets it to False.
      is_broken: whether a send was cancelled or has failed, so that the peer may have half a frame.
      on_broken: called once, when `is_broken` becomes true. It is to end the connection, which may
        otherwise be read for ever, though nothing can be sent on it.
      peer_close: the code and the reason with which the peer has closed the connection, or None.
    """

    def __init__(self, stream: trio.abc.Stream, *, is_masked: bool) -> None:
        self.is_open = True
        self.is_broken = False
        self.on_broken: Callable[[], object] | None = None
        self.peer_close: tuple[int, str] | None = None
        self._stream = stream
        self._is_masked = is_masked
        self._send_some_nowait = nowait_sender(stream)
        self._turn = trio.StrictFIFOLock()
        # It may begin in the middle of a frame.
        self._unsent: list[bytes] = []

    def closed(self) -> WebSocketClosed:
        """Make the error for whoever sends or receives once the connection is over."""
        return WebSocketClosed(*(self.peer_close or ()))

    async def send(self, *messages: str | bytes) -> None:
        """Send messages, after all that is unsent. See `WebSocket.send`.

        Cancellation: half a frame may have been sent.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self.is_open:
            await trio.lowlevel.checkpoint()
            raise self.closed()
        for message in messages:
            self._unsent.append(data_frame(message, self._is_masked))
        await self.send_frames(())

    def send_nowait(self, *messages: str | bytes) -> bool:
        """Send what is unsent and these messages, without waiting. See `WebSocket.send_nowait`."""
        if not self.is_open or self.is_broken:
            raise self.closed()
        for message in messages:
            self._unsent.append(data_frame(message, self._is_masked))
        if self._turn.locked():
            return False
        data = b"".join(self._unsent)
        self._unsent.clear()
        try:
            sent_bytes = self._send_some_nowait(data)
        except STREAM_LOST:
            self._break()
            raise self.closed() from None
        if sent_bytes == len(data):
            return True
        self._unsent.append(data[sent_bytes:])
        return False

    def put_frames(self, frames: Iterable[bytes]) -> None:
        """Add frames, as they go over the wire, to what is unsent."""
        self._unsent += frames

    async def send_frames(self, frames: Iterable[bytes]) -> None:
        """Send what is unsent, and frames as they go over the wire, when it is this task's turn.

        Raises:
          WebSocketClosed: the stream is over.

        Cancellation: half a frame may have been sent. Not a checkpoint where there is nothing to
        send.
        """
        self.put_frames(frames)
        try:
            self._turn.acquire_nowait()
        except trio.WouldBlock:
            await self._turn.acquire()
        try:
            if self.is_broken:
                raise self.closed()
            data = b"".join(self._unsent)
            self._unsent.clear()
            if data:
                await self._send_whole(data)
        except STREAM_LOST:
            raise self.closed() from None
        finally:
            self._turn.release()

    async def _send_whole(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except BaseException:
            self._break()
            raise

    def _break(self) -> None:
        self.is_broken = True
        if self.on_broken is not None:
            self.on_broken()
            self.on_broken = None
