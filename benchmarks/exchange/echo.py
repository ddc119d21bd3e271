"""Accounts for a call's audio: what was sent, what came back, and how long it took."""

from __future__ import annotations

from array import array

from benchmarks.exchange.frames import StampedAudio


class EchoMeter:
    """Recognizes the frames of one call in what the agent sends.

    An agent may join frames and split them: only the stream of bytes counts. It may say something
    of its own in between, silence for example: that is counted apart. A frame has come back when
    its last byte has, if it was not altered, and no frame after it has come back before.

    Attributes:
      sent_frames: since `begin`.
      returned_frames: how many of those came back.
      echoed_frames: all that came back since `begin`, whenever they were sent.
      foreign_bytes: what came back and is no frame that was waited for.
      round_trips_ns: of the frames that came back.
    """

    def __init__(self, audio: StampedAudio) -> None:
        self._audio = audio
        self._next_number = 0
        self._last_returned = -1
        self._pieces = bytearray()
        self.begin()

    def begin(self) -> None:
        """Begin to count anew. Frames that are still under way are not waited for any more."""
        self._first_number = self._next_number
        self.sent_frames = 0
        self.returned_frames = 0
        self.echoed_frames = 0
        self.foreign_bytes = 0
        self.round_trips_ns = array("q")

    @property
    def has_heard_agent(self) -> bool:
        """Whether anything of what was sent has come back."""
        return self.returned_frames > 0

    @property
    def missing_frames(self) -> int:
        """How many frames have not come back, or not yet."""
        return self.sent_frames - self.returned_frames

    @property
    def missing_bytes(self) -> int:
        """How many bytes of PCM these are."""
        return self.missing_frames * self._audio.frame_bytes

    def send(self, now_ns: int) -> bytes:
        """Make the next frame, as it goes over the wire."""
        number = self._next_number
        self._next_number = number + 1
        self.sent_frames += 1
        return self._audio.message(number, now_ns)

    def receive(self, pcm: bytes | bytearray, now_ns: int) -> None:
        """Take in what the agent says, from any cut to any other."""
        if (
            not self._pieces
            and len(pcm) == self._audio.frame_bytes
            and pcm.startswith(self._audio.mark)
            and self._count(pcm, now_ns)
        ):
            return
        self._pieces += pcm
        while self._skip_to_mark() and len(self._pieces) >= self._audio.frame_bytes:
            frame = bytes(self._pieces[: self._audio.frame_bytes])
            # Of a frame that lacks something, the end is the beginning of the next.
            if self._count(frame, now_ns):
                del self._pieces[: len(frame)]
            else:
                self._drop_foreign(1)

    def forget(self, now_ns: int) -> None:
        """Do nothing: what has come was heard at once."""

    def _skip_to_mark(self) -> bool:
        """Drop what precedes the next mark. Returns whether there is one."""
        mark = self._audio.mark
        start = self._pieces.find(mark)
        before = start if start >= 0 else max(0, len(self._pieces) - len(mark) + 1)
        self._drop_foreign(before)
        return start >= 0

    def _drop_foreign(self, size: int) -> None:
        self.foreign_bytes += size
        del self._pieces[:size]

    def _count(self, frame: bytes | bytearray, now_ns: int) -> bool:
        """Count a frame that came back. Returns whether it is one."""
        stamp = self._audio.read(frame)
        if stamp is None or stamp[0] <= self._last_returned:
            return False
        number, sent_ns = stamp
        self._last_returned = number
        self.echoed_frames += 1
        if number >= self._first_number:
            self.returned_frames += 1
            self.round_trips_ns.append(now_ns - sent_ns)
        return True
