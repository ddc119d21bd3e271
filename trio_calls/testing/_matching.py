"""Finding speech in a recording that may be long, or still growing."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from trio_calls.audio import SAMPLE_BYTES, Match, duration_seconds, find
from trio_calls.audio._levels import correlations

#: Long recordings are searched in stretches: the memory and time of a search grow faster than they.
_STRETCH_BYTES: Final = 2**19


@attrs.frozen
class SpeechMatch:
    """Where a recording resembles some speech the most, and how much.

    Attributes:
      correlation: from 0 (nothing in common) to 1 (the speech itself, however loud).
      start_seconds: from the start of the recording to where the speech begins.
      end_seconds: to where it ends.
    """

    correlation: float
    start_seconds: float
    end_seconds: float

    @classmethod
    def of(cls, match: Match, speech: bytes, sample_rate: int) -> SpeechMatch:
        """Convert a match to seconds.

        Args:
          match: the match, in samples.
          speech: the speech that was looked for.
          sample_rate: the sample rate of the audio, in Hz.
        """
        start = match.offset_samples / sample_rate
        seconds = duration_seconds(len(speech), sample_rate)
        return cls(match.correlation, start, start + seconds)


def best_match(speech: bytes, recording: bytes, start: int = 0) -> Match:
    """Find where a recording of any length resembles speech the most.

    The recording is searched as if silence followed it.

    Args:
      speech: the speech to look for; mono signed 16-bit little-endian audio.
      recording: the recording to search, in the same format.
      start: the byte of the recording from which to search.

    Returns:
      The greatest correlation, and its offset from the recording's first sample.
    """
    best = Match(correlation=0.0, offset_samples=start // SAMPLE_BYTES)
    # Speech that is cut off at the end is then found too, with the correlation of its part.
    followed_by_silence = recording + bytes(len(speech))
    for first in range(start, len(recording), _STRETCH_BYTES):
        stretch = followed_by_silence[first : first + _STRETCH_BYTES + len(speech)]
        match = find(speech, stretch)
        if match.correlation > best.correlation:
            place = first // SAMPLE_BYTES + match.offset_samples
            best = attrs.evolve(match, offset_samples=place)
    return best


class Listener:
    """Looks for the first place of speech in a growing recording.

    What it has searched without success it never searches again.

    Args:
      speech: the speech to look for.
      start: the byte of the recording from which the speech may begin.
    """

    def __init__(self, speech: bytes, start: int) -> None:
        self._speech = speech
        self._next = start

    def listen(
        self, recording: bytes, min_correlation: float, *, is_over: bool = False
    ) -> Match | None:
        """Look for the first place that resembles the speech enough.

        Speech resembles itself, though less, a little before its place: a vowel by a period, a tone
        by a third of its duration. So a place counts only when none after it, that could be the
        reason for its resemblance, resembles the speech more.

        Args:
          recording: all that was recorded until now.
          min_correlation: the least correlation that counts as found.
          is_over: whether nothing will be added to the recording. It is then searched as if silence
            followed it, and what it ends with is not left for later.

        Returns:
          The match, with its offset from the recording's first sample, or None: not yet.
        """
        if is_over:
            recording += bytes(len(self._speech))
        if not self._skip_what_resembles_less(recording, min_correlation):
            return None
        fits = correlations(
            self._speech, recording[self._next : self._next + 2 * len(self._speech)]
        )
        place = int(np.argmax(fits[: self._reach(fits[0]) + 1]))
        is_settled = place + self._reach(fits[place]) < fits.size
        if not is_settled and not is_over:
            return None
        return Match(
            correlation=float(fits[place]), offset_samples=self._next // SAMPLE_BYTES + place
        )

    def _skip_what_resembles_less(self, recording: bytes, min_correlation: float) -> bool:
        size = len(self._speech)
        while self._next + size <= len(recording):
            stretch = recording[self._next : self._next + _STRETCH_BYTES + size]
            enough = np.flatnonzero(correlations(self._speech, stretch) >= min_correlation)
            if enough.size:
                self._next += int(enough[0]) * SAMPLE_BYTES
                return True
            self._next += len(stretch) - size + SAMPLE_BYTES
        return False

    def _reach(self, correlation: float) -> int:
        """Return the most samples before its place at which speech has a correlation, or more."""
        return int(np.flatnonzero(self._likeness >= correlation)[-1])

    @cached_property
    def _likeness(self) -> NDArray[np.float64]:
        """How much the speech resembles itself so many samples before its place."""
        likeness = correlations(self._speech, bytes(len(self._speech)) + self._speech)[::-1]
        likeness[0] = 1.0  # but for rounding
        return likeness
