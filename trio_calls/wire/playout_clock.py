"""Until when the exchange plays what it was sent."""

from __future__ import annotations

import math


class PlayoutClock:
    """Estimates until when audio plays, from how much was sent when.

    The wire does not tell what was played. But audio plays at its own speed, each piece after the
    one before, and none before it was sent: so its end is no earlier than this clock says. It is
    later by what the exchange lets pass before it begins to play.

    Args:
      bytes_per_second: of the audio.

    Attributes:
      end: the time at which everything said so far has been played.
      free_at: the time at which everything sent so far has been played, a backdrop included.
    """

    def __init__(self, bytes_per_second: int) -> None:
        self.end: float = -math.inf
        self.free_at: float = -math.inf
        self._bytes_per_second = bytes_per_second

    def sent(self, audio_bytes: int, now: float) -> None:
        """Note that speech was sent, silence included."""
        self.filled(audio_bytes, now)
        self.end = self.free_at

    def filled(self, audio_bytes: int, now: float) -> None:
        """Note that a backdrop was sent, and nothing was said over it."""
        seconds = audio_bytes / self._bytes_per_second
        if self.free_at > now:
            self.free_at += seconds
        else:
            self.free_at = now + seconds

    def interrupt(self, now: float) -> None:
        """Note that the exchange was told to drop what it has not played."""
        del now
        self.end = self.free_at = -math.inf
