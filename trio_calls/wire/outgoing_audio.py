"""The agent's audio that waits for the exchange to ask for it.

::

    application ── line_up() ─►  speech in line ── as there is room ──┐
    application ── put() ──────────────────────►  waiting bytes ◄─────┘
                                                       │
                                                       ├── take() ──► messages to send
    exchange    ── grant() ────────────────────►  open requests

    application ── spend() ──────────────────────────────────► one message, past the queue

The exchange pulls: each `Credit` is a request for so many bytes. `OutgoingAudio` holds both sides
of that account, the bytes that wait and the requests that are open, and cuts the audio of messages
from them. What else is in a message is the affair of a `MediaWire`.

Speech that is longer than the room in the queue stands in line, and moves into the queue frame by
frame. Only the first in the line moves: speech of two senders is never mixed.

A barrier holds back what is said after it, until it is lifted: others than now are to hear that. A
pause holds back everything, and fades it out and in.

Invariants:

- No more is ever sent than the exchange has asked for, and audio leaves in the order in which it
  was said: `spend` refuses while anything waits.
- Speech moves up from the line in whole frames of its own, but for its end. So speech that is
  withdrawn has been heard to the end of a frame, or not at all. A queue that cannot hold a frame
  takes whole samples.
- No message splits a sample. An odd byte of a request is left over.
- A message holds whole frames of the size that its request prefers, except for the last of a
  request, and where a queue of less than two frames is full before it holds one: an exchange that
  plays whole frames would keep the rest until more comes.
  Silence fills up only the last frame of what is being flushed, which is when nothing follows it,
  or somebody waits for its end, and only for an exchange that plays whole frames. Silence
  anywhere else would be heard in the middle of a sentence.
- A message holds at most `max_message_bytes`, unless the exchange prefers longer frames.
- What a peer can cost is bounded: the queue by `capacity_bytes`, the open requests by
  `MAX_OPEN_REQUESTS`, one round of sending by `MAX_TAKEN_BYTES`.

Requests that prefer the same frame are as one. What two of them ask for may go out in one message,
which is all that the wire asks for, and no odd remainder between two requests has to wait.

A backdrop is mixed into the messages as they are cut, and fills messages of its own, through
`fill`, where nothing is said. It is no speech: it has no place in positions, and `sent_bytes`
leaves it out.

Audio that is a message as it stands goes past the queue, through `spend`: with an agent that sends
whole frames on time, that is every frame.

One `OutgoingAudio` belongs to one call. Nothing here waits or has a checkpoint: the application's
tasks, the reader that got credit and the writer call it by turns, without a lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs

from trio_calls.audio._backdrop import Backdrop
from trio_calls.audio._fades import fade_in, fade_out
from trio_calls.errors import BufferFullError
from trio_calls.wire.media_wire import DEFAULT_FRAME_BYTES, Credit
from trio_calls.wire.speech import Barrier, Mark, Pause, Speech

_SAMPLE_BYTES: Final = 2

#: Rounds bytes down to whole samples.
_WHOLE_SAMPLES: Final = ~1

#: Requests beyond this number are added to the last one, so that a flood of them costs nothing.
MAX_OPEN_REQUESTS: Final = 64

#: Once this much is taken, in bytes, `take` stops: everything else to send waits for it.
MAX_TAKEN_BYTES: Final = 2**16


@attrs.define
class _OpenRequest:
    remaining_bytes: int
    frame_bytes: int


class OutgoingAudio:
    """A bounded queue of PCM with a line of speech before it, and the exchange's credit for it.

    Args:
      capacity_bytes: the most bytes that may wait in the queue.
      frame_bytes: the size of a frame of 20 ms.
      max_message_bytes: how much a message holds, if the exchange does not prefer longer frames.
      fills_last_frame: whether silence fills up the last frame of what is being flushed.

    Attributes:
      capacity_bytes: the most bytes that may wait in the queue.
      waiting: the PCM that waits. Others may read it, but only this class changes it.
      line: the speech that stands in line, the next one first. Only this class changes it.
      sent_position: the position before which everything has been taken or cleared. Positions count
        bytes of audio since the call began.
      sent_bytes: how many bytes were taken, with the silence that fills up frames.
      frame_bytes: the frame that the exchange prefers, as far as is known.
      filled_bytes: how many bytes went out in which nothing was said.
      backdrop: what is heard under what is said, and while nothing is.
    """

    def __init__(
        self,
        capacity_bytes: int,
        frame_bytes: int = DEFAULT_FRAME_BYTES,
        max_message_bytes: int = 2**16,
        *,
        fills_last_frame: bool = True,
    ) -> None:
        self.capacity_bytes = capacity_bytes
        self.waiting: bytearray = bytearray()
        self.line: deque[Speech] = deque()
        self.sent_position: int = 0
        self.sent_bytes: int = 0
        self.frame_bytes: int = frame_bytes
        self.filled_bytes: int = 0
        self.backdrop: Backdrop | None = None
        # Speech in line moves in pieces of this size.
        self._step_bytes = frame_bytes if capacity_bytes >= frame_bytes else _SAMPLE_BYTES
        # A queue that has no room for a step holds at least a frame of this size.
        self._max_frame_bytes = capacity_bytes & _WHOLE_SAMPLES
        if capacity_bytes >= 2 * frame_bytes:
            self._max_frame_bytes -= frame_bytes - _SAMPLE_BYTES
        self._requests: deque[_OpenRequest] = deque()
        self._marks: list[Mark] = []
        self._barriers: deque[Barrier] = deque()
        self._flushed = Mark(0)
        self._max_message_bytes = max_message_bytes
        self._fills_last_frame = fills_last_frame

    @property
    def end_position(self) -> int:
        """The position after the last byte that was queued."""
        return self.sent_position + len(self.waiting)

    @property
    def credit_bytes(self) -> int:
        """How many bytes the exchange has asked for and not been sent."""
        return sum(request.remaining_bytes for request in self._requests)

    @property
    def has_tail(self) -> bool:
        """Whether what waits is less than a frame, and all that keeps it from being sent.

        Only to be asked when `take` has just returned nothing.
        """
        return bool(self._requests and self._sendable_bytes())

    @property
    def has_sendable(self) -> bool:
        """Whether audio waits that nothing holds back but the want of credit."""
        return bool(self.waiting and self._sendable_bytes())

    @property
    def barriers(self) -> Sequence[Barrier]:
        """The barriers that hold speech back, the first one first."""
        return self._barriers

    def put(self, pcm: bytes | bytearray | memoryview) -> None:
        """Queue whole samples, all of them or none.

        Raises:
          BufferFullError: there is no room for all of it now, or other speech stands in line.
        """
        if self.line:
            raise BufferFullError("other audio is already waiting for room in the queue")
        if len(self.waiting) + len(pcm) > self.capacity_bytes:
            raise BufferFullError(
                f"{len(pcm)} bytes of audio do not fit: {len(self.waiting)} of "
                f"{self.capacity_bytes} bytes are in use; wait with send_audio() or clear the queue"
            )
        self.waiting += pcm

    def line_up(self, pcm: bytes | bytearray | memoryview) -> Speech:
        """Queue what there is room for, and let the rest stand in line, behind those before it."""
        speech = Speech(memoryview(pcm))
        self.line.append(speech)
        self._move_up()
        return speech

    def withdraw(self, speech: Speech) -> None:
        """Take speech out of the line, without a word: what is not queued of it is not said."""
        if speech not in self.line:
            return
        position = self.end_position
        for ahead in self.line:
            position += len(ahead.rest)
            if ahead is speech:
                break
        for mark in self._marks:
            if mark.position >= position:
                mark.position -= len(speech.rest)
        self.line.remove(speech)
        speech.on_over = None
        speech.drop()
        self._move_up()

    @property
    def said_position(self) -> int:
        """The position after the last byte that was said, in the queue or in the line."""
        return self.end_position + sum(len(speech.rest) for speech in self.line)

    def mark(self) -> Mark:
        """Mark the end of what has been said so far, in the queue and in the line."""
        return self.mark_at(self.said_position)

    def mark_at(self, position: int) -> Mark:
        """Mark a place in what has been said so far."""
        self._marks = [mark for mark in self._marks if mark.position > self.sent_position]
        if not self._marks or self._marks[-1].position != position:
            self._marks.append(Mark(position))
        return self._marks[-1]

    def flush(self) -> Mark:
        """Allow everything said so far to be sent without waiting for a full frame.

        Returns:
          The place that `sent_position` reaches when all of it has been taken.
        """
        self._flushed = self.mark()
        return self._flushed

    def hold(self) -> Barrier:
        """Hold back everything that is said from now on. What was said before is flushed."""
        barrier = Barrier(self.mark())
        self._barriers.append(barrier)
        return barrier

    def lift(self, barrier: Barrier) -> None:
        """Lift a barrier, unless it was lifted before. Others stay."""
        if barrier in self._barriers:
            self._barriers.remove(barrier)

    def pause(self, fade_bytes: int) -> Pause:
        """Hold back everything that waits, until `resume`. Nothing of it is lost.

        What waits is faded out first: a frame of silence that begins with that is inserted before
        it. Nothing is where nothing waits.

        Args:
          fade_bytes: how long to fade out, in whole samples, a frame at the most.
        """
        fading = fade_out(bytes(self.waiting[: min(fade_bytes, self._sendable_bytes())]))
        inserted = fading.ljust(self.frame_bytes, b"\0") if fading else b""
        self.waiting[:0] = inserted
        self._move_marks(len(inserted))
        pause = Pause(
            Mark(self.sent_position + len(inserted)),
            start=self.sent_position,
            fade_bytes=len(fading),
        )
        self._barriers.appendleft(pause)
        return pause

    def resume(self, pause: Pause) -> None:
        """Let go on what was paused: with what was faded out, faded in."""
        self.lift(pause)
        unsent = max(0, pause.mark.position - self.sent_position)
        if unsent and self.sent_position <= pause.start:
            # It has never stopped.
            del self.waiting[:unsent]
            self._move_marks(-unsent)
            pause.mark.position = pause.start
        else:
            fading = slice(unsent, unsent + pause.fade_bytes)
            self.waiting[fading] = fade_in(bytes(self.waiting[fading]))

    def drop_until(self, mark: Mark) -> int:
        """Drop everything that was said before a place. Returns how many bytes."""
        begin = self.sent_position
        size = max(min(mark.position - begin, len(self.waiting)), 0)
        del self.waiting[:size]
        self.sent_position += size
        while self.line and self.sent_position + len(self.line[0].rest) <= mark.position:
            self.sent_position += len(self.line[0].rest)
            self.line.popleft().drop()
        self._move_up()
        return self.sent_position - begin

    def drop_held(self) -> None:
        """Drop everything that is held back, now and for ever."""
        if not self._barriers:
            return
        place = max(self._barriers[0].mark.position, self.sent_position)
        del self.waiting[place - self.sent_position :]
        position = self.end_position
        for speech in list(self.line):
            position += len(speech.rest)
            if position > place:
                self.line.remove(speech)
                speech.drop()
        for mark in self._marks:
            mark.position = min(mark.position, place)

    def clear(self) -> int:
        """Drop everything that waits in the queue and in the line. Returns how many bytes."""
        dropped = self.discard()
        self.sent_position += dropped
        return dropped

    def discard(self) -> int:
        """Drop the same, but where nothing comes after it: positions end where they are."""
        dropped = len(self.waiting) + sum(len(speech.rest) for speech in self.line)
        self.waiting.clear()
        while self.line:
            self.line.popleft().drop()
        return dropped

    def grant(self, request: Credit) -> None:
        """Open a request, or add to the last one if it prefers the same frame.

        An odd byte is left over: it could only be half a sample. Where nothing is asked for, all
        that was before is to come in frames of this size.
        """
        frame = (request.frame_bytes + 1) & _WHOLE_SAMPLES
        # A frame that is larger than the queue can ever be would otherwise never be sent, or be
        # filled up with as much silence as the exchange cares to name.
        if frame > self._max_frame_bytes:  # noqa: PLR1730  # twice as fast as min(), each frame
            frame = self._max_frame_bytes
        requested = request.requested_bytes & _WHOLE_SAMPLES
        if not requested:
            if not request.requested_bytes:
                self._prefer(frame)
            return
        self.frame_bytes = frame
        requests = self._requests
        if requests and (requests[-1].frame_bytes == frame or len(requests) == MAX_OPEN_REQUESTS):
            requests[-1].remaining_bytes += requested
        else:
            requests.append(_OpenRequest(requested, frame))

    def _prefer(self, frame: int) -> None:
        """Prefer another frame, also for what was asked for before."""
        asked_bytes = self.credit_bytes
        self.frame_bytes = frame
        self._requests.clear()
        if asked_bytes:
            self._requests.append(_OpenRequest(asked_bytes, frame))

    def spend(self, pcm: bytes | bytearray | memoryview) -> bool:
        """Spend credit on audio that need not be queued, because it fits one message as it is.

        Returns:
          Whether it is a message as it is, to be sent at once. Not if other audio waits before it,
          if there is no credit for all of it, or if it has to be cut, or joined with what follows
          or a backdrop: `put` it then.
        """
        if self.waiting or self._barriers or not self._requests or self.backdrop is not None:
            return False
        request = self._requests[0]
        pcm_bytes = len(pcm)
        remaining_bytes = request.remaining_bytes - pcm_bytes
        frame = request.frame_bytes
        if remaining_bytes < 0 or not frame <= pcm_bytes <= max(frame, self._max_message_bytes):
            return False
        if pcm_bytes != frame and pcm_bytes % frame:
            return False
        request.remaining_bytes = remaining_bytes
        if not remaining_bytes:
            self._requests.popleft()
        self.sent_position += pcm_bytes
        self.sent_bytes += pcm_bytes
        return True

    def take(self) -> list[bytes]:
        """Cut the audio of messages, while there is any, and credit, up to `MAX_TAKEN_BYTES`.

        A message holds whole frames of the size that the exchange prefers, except for the last of a
        request, and what a small queue holds when it is full. It holds at most one such frame or
        `max_message_bytes`, whichever is more. The last frame of what is being flushed is filled
        up with silence, unless the exchange plays short ones.
        """
        messages: list[bytes] = []
        taken_bytes = 0
        while (
            self._requests
            and (sendable := self._sendable_bytes())
            and taken_bytes < MAX_TAKEN_BYTES
        ):
            request = self._requests[0]
            frame = min(request.frame_bytes, request.remaining_bytes)
            is_end = not self._is_fed()
            if is_end and sendable < frame and not self._is_flushed():
                break
            size = min(sendable, request.remaining_bytes, max(frame, self._max_message_bytes))
            if frame < size < request.remaining_bytes:
                size -= size % frame
            pcm = self._cut(size)
            if is_end and self._fills_last_frame:
                pcm = pcm.ljust(frame, b"\0")
            if self.backdrop is not None:
                pcm = self.backdrop.under(pcm)
            taken_bytes += len(pcm)
            request.remaining_bytes -= len(pcm)
            if not request.remaining_bytes:
                self._requests.popleft()
            messages.append(pcm)
        self.sent_bytes += taken_bytes
        return messages

    def fill(self, most_bytes: int) -> list[bytes]:
        """Cut the audio of messages from the backdrop alone, for as long as there is credit.

        Only for when `take` has just returned nothing, and there is a backdrop. A backdrop that was
        told to end is forgotten when it has faded out.

        Args:
          most_bytes: how much is cut at the most, but for what makes the last frame a whole one.
        """
        messages: list[bytes] = []
        filled_bytes = 0
        while self._requests and self.backdrop is not None and filled_bytes < most_bytes:
            request = self._requests[0]
            frame = min(request.frame_bytes, request.remaining_bytes)
            wanted = min(
                most_bytes - filled_bytes, self.backdrop.rest_bytes, self._max_message_bytes
            )
            size = min(max(frame, int(wanted - wanted % frame)), request.remaining_bytes)
            messages.append(self.backdrop.alone(size))
            filled_bytes += size
            request.remaining_bytes -= size
            if not request.remaining_bytes:
                self._requests.popleft()
            self._forget_backdrop()
        self.filled_bytes += filled_bytes
        return messages

    def begin_backdrop(self, backdrop: Backdrop) -> None:
        """Let a backdrop be heard. Another one fades out under its beginning."""
        if self.backdrop is not None:
            backdrop.follow(self.backdrop)
        self.backdrop = backdrop

    def end_backdrop(self) -> None:
        """Let the backdrop fade out, if there is one."""
        if self.backdrop is not None:
            self.backdrop.end()
            self._forget_backdrop()

    def _forget_backdrop(self) -> None:
        if self.backdrop is not None and self.backdrop.is_over:
            self.backdrop = None

    def _sendable_bytes(self) -> int:
        """Count what waits before the first barrier."""
        if not self._barriers:
            return len(self.waiting)
        place = self._barriers[0].mark.position
        return max(min(place - self.sent_position, len(self.waiting)), 0)

    def _move_marks(self, size: int) -> None:
        for mark in self._marks:
            if mark.position > self.sent_position:
                mark.position += size

    def _is_fed(self) -> bool:
        """Return whether there will be room for more of what is being said as soon as some is sent.

        Then less than a frame waits only where the queue has no room for more.
        """
        return bool(self.line) and not (
            self._barriers and self._barriers[0].mark.position <= self.end_position
        )

    def _is_flushed(self) -> bool:
        """Return whether what may be sent is to be sent without waiting for a whole frame."""
        if self._flushed.position > self.sent_position:
            return True
        return bool(self._barriers) and self._barriers[0].mark.position <= self.end_position

    def _cut(self, size: int) -> bytes:
        pcm = bytes(self.waiting[:size])
        del self.waiting[:size]
        self.sent_position += len(pcm)
        if self.line:
            self._move_up()
        return pcm

    def _move_up(self) -> None:
        """Move speech from the line into the room that there is in the queue."""
        while self.line:
            speech = self.line[0]
            # What a pause inserts may exceed the queue.
            room = max(0, self.capacity_bytes - len(self.waiting))
            if len(speech.rest) > room:
                self.waiting += speech.take(room - room % self._step_bytes)
                break
            self.waiting += speech.take(len(speech.rest))
            self.line.popleft().end()
