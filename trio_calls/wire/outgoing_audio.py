"""The agent's audio that waits for the exchange to ask for it.

::

    application ── put() ──►  waiting bytes ──┐
                                              ├── take() ──► messages to send
    exchange    ── grant() ─►  open requests ─┘

    application ── spend() ───────────────────────────────► one message, past the queue

The exchange pulls: each `BufferRequest` is credit for so many bytes. `OutgoingAudio` holds both
sides of that account, the bytes that wait and the requests that are open, and cuts messages from
them.

Invariants:

- No more is ever sent than the exchange has asked for, and audio leaves in the order in which it
  was queued: `spend` refuses while anything waits.
- No message splits a sample. An odd byte of a request is left over.
- A message holds at least the frame that its request prefers, except for the last of a request.
  Silence fills up only the last frame of what is being flushed, which is when somebody waits for
  the end of what the agent says. Silence anywhere else would be heard in the middle of it.
- A message holds at most 64 KiB, unless the exchange prefers longer frames: it may ask for
  megabytes at once, and take no message of that size.
- What a peer can cost is bounded: the queue by `capacity_bytes`, the open requests by
  `MAX_OPEN_REQUESTS`, one round of sending by `MAX_TAKEN_BYTES`.

Requests that prefer the same frame are as one. What two of them ask for may go out in one message,
which is all that the wire asks for, and no odd remainder between two requests has to wait.

Audio that is a message as it stands goes past the queue, through `spend`: with an agent that sends
whole frames on time, that is every frame.

One `OutgoingAudio` belongs to one call. Nothing here waits or has a checkpoint: the application's
tasks, the reader that got credit and the writer call it by turns, without a lock.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from trio_calls.errors import BufferFullError
from trio_calls.wire.media import CALL_CHANNEL, BufferRequest, pack_audio

#: The channel byte, with which every message begins.
_MESSAGE_HEAD: Final = pack_audio(CALL_CHANNEL, b"")

#: Rounds bytes down: a sample is two of them.
_WHOLE_SAMPLES: Final = ~1

#: Requests beyond this number are added to the last one, so that a flood of them costs nothing.
MAX_OPEN_REQUESTS: Final = 64

#: The longest message that is cut where the exchange does not prefer a longer one, in bytes.
MAX_MESSAGE_BYTES: Final = 2**16

#: Once this much is taken, in bytes, `take` stops: everything else to send waits for it.
MAX_TAKEN_BYTES: Final = 2**16


@attrs.define
class _OpenRequest:
    remaining_bytes: int
    frame_bytes: int


class OutgoingAudio:
    """A bounded queue of PCM, and the exchange's credit for it.

    Attributes:
      capacity_bytes: the most bytes that may wait.
      waiting: the PCM that waits. Others may read it, but only this class changes it.
      sent_position: the position before which everything has been taken or cleared. Positions count
        bytes of audio since the call began.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.waiting: bytearray = bytearray()
        self.sent_position: int = 0
        self._requests: deque[_OpenRequest] = deque()
        self._flush_position = 0

    @property
    def end_position(self) -> int:
        """The position after the last byte that was queued."""
        return self.sent_position + len(self.waiting)

    @property
    def credit_bytes(self) -> int:
        """How many bytes the exchange has asked for and not been sent."""
        return sum(request.remaining_bytes for request in self._requests)

    def put(self, pcm: bytes | bytearray | memoryview) -> None:
        """Queue whole samples, all of them or none.

        Raises:
          BufferFullError: there is no room for all of it now.
        """
        if len(self.waiting) + len(pcm) > self.capacity_bytes:
            raise BufferFullError(
                f"{len(pcm)} bytes of audio do not fit: {len(self.waiting)} of "
                f"{self.capacity_bytes} bytes are in use; wait with send_audio() or clear the queue"
            )
        self.waiting += pcm

    def clear(self) -> int:
        """Drop everything that waits, and return how many bytes that was."""
        dropped = len(self.waiting)
        self.sent_position += dropped
        self.waiting.clear()
        return dropped

    def grant(self, request: BufferRequest) -> None:
        """Open a request, or add to the last one if it prefers the same frame.

        An odd byte is left over: it could only be half a sample.
        """
        requested = request.requested_bytes & _WHOLE_SAMPLES
        if not requested:
            return
        frame = (request.frame_bytes + 1) & _WHOLE_SAMPLES
        # A frame that is larger than the queue can ever be would otherwise never be sent, or be
        # filled up with as much silence as the exchange cares to name.
        if frame > self.capacity_bytes:
            frame = self.capacity_bytes & _WHOLE_SAMPLES
        requests = self._requests
        if requests and (requests[-1].frame_bytes == frame or len(requests) == MAX_OPEN_REQUESTS):
            requests[-1].remaining_bytes += requested
        else:
            requests.append(_OpenRequest(requested, frame))

    def flush(self) -> int:
        """Allow everything queued so far to be sent without waiting for a full frame.

        Returns:
          The position that `sent_position` reaches when all of it has been taken.
        """
        self._flush_position = self.end_position
        return self._flush_position

    def spend(self, pcm: bytes | bytearray | memoryview) -> bytes | None:
        """Spend credit on audio that need not be queued, because it fits one message as it is.

        Returns:
          The message, to be sent at once. None if other audio waits before it, if there is no
          credit for all of it, or if it has to be cut or joined with what follows: `put` it then.
        """
        if self.waiting or not self._requests:
            return None
        request = self._requests[0]
        pcm_bytes = len(pcm)
        remaining_bytes = request.remaining_bytes - pcm_bytes
        if remaining_bytes < 0 or not request.frame_bytes <= pcm_bytes <= MAX_MESSAGE_BYTES:
            return None
        request.remaining_bytes = remaining_bytes
        if not remaining_bytes:
            self._requests.popleft()
        self.sent_position += pcm_bytes
        return _MESSAGE_HEAD + pcm

    def take(self) -> list[bytes]:
        """Cut messages for as long as there is audio and credit, up to `MAX_TAKEN_BYTES`.

        A message holds at least the frame that the exchange prefers, except for the last of a
        request, and at most that frame or `MAX_MESSAGE_BYTES`, whichever is more. The last frame of
        what is being flushed is filled up with silence.
        """
        messages: list[bytes] = []
        taken_bytes = 0
        while self._requests and self.waiting and taken_bytes < MAX_TAKEN_BYTES:
            request = self._requests[0]
            frame = min(request.frame_bytes, request.remaining_bytes)
            if len(self.waiting) < frame and self._flush_position <= self.sent_position:
                break
            pcm = self._cut(min(request.remaining_bytes, max(frame, MAX_MESSAGE_BYTES)))
            if len(pcm) < frame:
                pcm = pcm.ljust(frame, b"\0")
            taken_bytes += len(pcm)
            request.remaining_bytes -= len(pcm)
            if not request.remaining_bytes:
                self._requests.popleft()
            messages.append(_MESSAGE_HEAD + pcm)
        return messages

    def _cut(self, most_bytes: int) -> bytes:
        pcm = bytes(self.waiting[:most_bytes])
        del self.waiting[:most_bytes]
        self.sent_position += len(pcm)
        return pcm
