"""Which place in what was said is being heard."""

from __future__ import annotations

from collections import deque

import attrs

from trio_calls.wire.outgoing_audio import OutgoingAudio
from trio_calls.wire.playout_clock import PlayoutClock


@attrs.frozen
class _Piece:
    """What was sent in one go: a stretch of what was said, and when it begins to play."""

    start: int
    size: int
    begins_at: float


class HeardClock(PlayoutClock):
    """A `PlayoutClock` that also knows what plays.

    An exchange that plays in ticks is within one tick of what this estimates.

    Args:
      bytes_per_second: of the audio.
      audio: whose positions are told.
    """

    def __init__(self, bytes_per_second: int, audio: OutgoingAudio) -> None:
        super().__init__(bytes_per_second)
        self._audio = audio
        self._sent_position = audio.sent_position
        self._heard_position = float(audio.sent_position)
        self._pieces: deque[_Piece] = deque()

    def sent(self, audio_bytes: int, now: float) -> None:
        """Note that audio was sent, up to the position that it has now."""
        begins_at = max(self.end, now)
        super().sent(audio_bytes, now)
        position = self._audio.sent_position
        # The rest is silence that fills up a frame. It follows what was said.
        size = min(audio_bytes, position - self._sent_position)
        self._sent_position = position
        self._forget_heard(now)
        self._pieces.append(_Piece(position - size, size, begins_at))

    def interrupt(self, now: float) -> None:
        """Note that the exchange was told to drop what it has not played."""
        self._heard_position = self.heard_position(now)
        self._pieces.clear()
        super().interrupt(now)

    def heard_position(self, now: float) -> float:
        """Return the position of the last byte that was heard until now."""
        self._forget_heard(now)
        if self._pieces and self._pieces[0].begins_at < now:
            piece = self._pieces[0]
            return piece.start + (now - piece.begins_at) * self._bytes_per_second
        return self._heard_position

    def _forget_heard(self, now: float) -> None:
        while self._pieces:
            piece = self._pieces[0]
            if now < piece.begins_at + piece.size / self._bytes_per_second:
                break
            self._heard_position = piece.start + piece.size
            self._pieces.popleft()
