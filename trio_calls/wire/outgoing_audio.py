"""The agent's audio that waits for the exchange to ask for it.

The exchange pulls: each `BufferRequest` is credit for so many bytes, and nothing is ever sent
beyond the sum of them. `OutgoingAudio` holds both sides of that account, the bytes that wait and
the requests that are open, and cuts messages from them that never split a sample.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from trio_calls.errors import BufferFullError
from trio_calls.wire.media import BufferRequest

_SAMPLE_BYTES: Final = 2

#: Requests beyond this number are added to the last one, so that a flood of them costs nothing.
MAX_OPEN_REQUESTS: Final = 64

#: The longest message that is cut where the exchange does not prefer a longer one, in bytes.
MAX_MESSAGE_BYTES: Final = 2**16


@attrs.define
class _OpenRequest:
    remaining_bytes: int
    frame_bytes: int


class OutgoingAudio:
    """A bounded queue of PCM, and the exchange's credit for it.

    Positions count bytes of audio since the call began: `end_position` is where the next byte will
    be queued, and everything before `sent_position` has been taken or cleared.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.sent_position = 0
        self._queue = bytearray()
        self._requests: deque[_OpenRequest] = deque()
        self._flush_position = 0

    def __len__(self) -> int:
        """Bytes that wait."""
        return len(self._queue)

    @property
    def end_position(self) -> int:
        """The position after the last byte that was queued."""
        return self.sent_position + len(self._queue)

    @property
    def credit_bytes(self) -> int:
        """Bytes that the exchange has asked for and not been sent."""
        return sum(request.remaining_bytes for request in self._requests)

    def put(self, pcm: bytes | bytearray | memoryview) -> None:
        """Queue whole samples, all of them or none.

        Raises:
          BufferFullError: there is no room for all of it now.
        """
        if len(self._queue) + len(pcm) > self.capacity_bytes:
            raise BufferFullError(
                f"{len(pcm)} bytes of audio do not fit: {len(self._queue)} of "
                f"{self.capacity_bytes} bytes are in use; wait with send_audio() or clear the queue"
            )
        self._queue += pcm

    def clear(self) -> int:
        """Drop everything that waits. Returns how many bytes that was."""
        dropped = len(self._queue)
        self.sent_position += dropped
        self._queue.clear()
        return dropped

    def grant(self, request: BufferRequest) -> None:
        """Open a request. An odd byte is left over: it could only be half a sample."""
        requested = request.requested_bytes - request.requested_bytes % _SAMPLE_BYTES
        if not requested:
            return
        if len(self._requests) == MAX_OPEN_REQUESTS:
            self._requests[-1].remaining_bytes += requested
            return
        frame = request.frame_bytes + request.frame_bytes % _SAMPLE_BYTES
        # A frame that is larger than the queue can ever be would otherwise never be sent, or be
        # filled up with as much silence as the exchange cares to name.
        frame = min(frame, self.capacity_bytes - self.capacity_bytes % _SAMPLE_BYTES)
        self._requests.append(_OpenRequest(requested, frame))

    def flush(self) -> int:
        """Let everything queued so far go out without waiting for a full frame.

        Returns:
          The position that `sent_position` reaches when it has gone.
        """
        self._flush_position = self.end_position
        return self._flush_position

    def take(self) -> bytes | None:
        """Cut the next message's PCM, or return None while there is no audio or no credit for it.

        A message holds at least the frame that the exchange prefers, except for the last of a
        request, and at most that or `MAX_MESSAGE_BYTES`, whichever is more. The last frame of what
        is being flushed is filled up with silence.
        """
        if not self._requests or not self._queue:
            return None
        request = self._requests[0]
        frame = min(request.frame_bytes, request.remaining_bytes)
        if len(self._queue) < frame and self._flush_position <= self.sent_position:
            return None
        most_bytes = min(request.remaining_bytes, max(frame, MAX_MESSAGE_BYTES))
        pcm = bytes(self._queue[:most_bytes])
        del self._queue[:most_bytes]
        self.sent_position += len(pcm)
        if len(pcm) < frame:
            pcm = pcm.ljust(frame, b"\0")
        request.remaining_bytes -= len(pcm)
        if not request.remaining_bytes:
            self._requests.popleft()
        return pcm
