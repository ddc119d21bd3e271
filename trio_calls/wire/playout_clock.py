"""Until when the exchange plays what it was sent."""

from __future__ import annotations

import math


class PlayoutClock:
    """Estimates until when audio plays, from how much was sent when.

    Some wires do not tell what was played. But audio plays at its own speed, each piece after the
    one before, and none before it was sent: so its end is no earlier than this clock says. It is
    later by what the exchange lets pass before it begins to play. Where the exchange does tell,
    `played` sets the clock right each time, as far as that is possible: an exchange that counts
    what it takes into its hands tells of audio that can only play in a moment.

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
        # `free_at` of an exchange that plays at once whatever it is sent.
        self._soonest = -math.inf

    def go_on_from(self, other: PlayoutClock) -> None:
        """Know what another clock does: what was sent before may still play."""
        self.end, self.free_at, self._soonest = other.end, other.free_at, other._soonest

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
        if self._soonest > now:
            self._soonest += seconds
        else:
            self._soonest = now + seconds

    def played(self, unplayed_bytes: int, now: float, late_seconds: float = 0.0) -> float:
        """Note how much of what was sent is not played yet, as the exchange says.

        Args:
          unplayed_bytes: so much.
          now: the time, in seconds.
          late_seconds: how long ago the exchange has said so, beyond the time that it always takes.

        Returns:
          By how much later than it was known before all of it is played, in seconds; 0 if nothing
          was playing.
        """
        if self.free_at == -math.inf or (not unplayed_bytes and self.free_at <= now):
            return 0.0
        played_at = now - late_seconds + unplayed_bytes / self._bytes_per_second
        if played_at < self._soonest:  # noqa: PLR1730  # twice as fast as max(), each frame
            played_at = self._soonest
        shift = played_at - self.free_at
        self.free_at += shift
        self.end += shift
        return shift

    def interrupt(self, now: float) -> None:
        """Note that the exchange was told to drop what it has not played."""
        del now
        self.end = self.free_at = self._soonest = -math.inf
