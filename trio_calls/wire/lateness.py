"""How late a word of the exchange has come. Pure."""

from __future__ import annotations

import math
from typing import Final

#: Audio came in time if none of the last 10 to 20 s came sooner. What is late for longer is on a
#: way that has become longer.
_WINDOW_SECONDS: Final = 10.0

#: Audio that comes later than that is not late: there was none for a while.
MOST_SECONDS: Final = 1.0


class Lateness:
    """Tells how late words have come, by the audio that came before them.

    An exchange sends the audio of a call while time passes, over the connection on which it says
    the rest, and nothing overtakes anything there. So a word is as late as the audio just before
    it: by so much longer than usual has it taken until so much audio has come.

    Where no audio comes between two words, none is sent: what passes meanwhile is no lateness.

    Args:
      bytes_per_second: of the audio.
    """

    def __init__(self, bytes_per_second: int) -> None:
        self._bytes_per_second = bytes_per_second
        # When the audio would have begun to come, by what came soonest: lately, and before that.
        self._latest = self._before = math.inf
        self._ends_at = -math.inf
        # Of the word before.
        self._audio_bytes = 0
        self._told_at = -math.inf

    def of(self, audio_bytes: int, now: float) -> float:
        """Return by how many seconds a word is late that has just come; 0 where nobody knows.

        Args:
          audio_bytes: how much audio came before it, in all. Less than before: since it has begun
            anew.
          now: the time, in seconds.
        """
        if not audio_bytes:
            return 0.0
        began_at = now - audio_bytes / self._bytes_per_second
        if audio_bytes <= self._audio_bytes:
            self._pause(audio_bytes, began_at, now)
        elif now >= self._ends_at:
            is_long_ago = now >= self._ends_at + _WINDOW_SECONDS
            self._before, self._latest = math.inf if is_long_ago else self._latest, began_at
            self._ends_at = now + _WINDOW_SECONDS
        elif began_at < self._latest:
            self._latest = began_at
        self._audio_bytes = audio_bytes
        self._told_at = now
        soonest = self._latest if self._latest < self._before else self._before
        late = began_at - soonest
        if late > MOST_SECONDS:
            self._before = self._latest = began_at
            return 0.0
        return late

    def _pause(self, audio_bytes: int, began_at: float, now: float) -> None:
        """Note that no audio has come since the word before, or that it has begun anew."""
        if audio_bytes < self._audio_bytes:
            self._before = self._latest = began_at
        else:
            self._before += now - self._told_at
            self._latest += now - self._told_at
