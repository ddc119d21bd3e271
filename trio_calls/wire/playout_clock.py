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
      end: the time at which everything sent so far has been played.
    """

    def __init__(self, bytes_per_second: int) -> None:
        self.end: float = -math.inf
        self._bytes_per_second = bytes_per_second

    def sent(self, audio_bytes: int, now: float) -> None:
        """Note that audio was sent, silence included."""
        seconds = audio_bytes / self._bytes_per_second
        if self.end > now:
            self.end += seconds
        else:
            self.end = now + seconds

    def interrupt(self, now: float) -> None:
        """Note that the exchange was told to drop what it has not played."""
        del now
        self.end = -math.inf
