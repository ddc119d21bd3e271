"""Finding speech in a recording that may be long, or still growing."""

from __future__ import annotations

from typing import Final

import attrs

from trio_calls.audio import SAMPLE_BYTES, Match, duration_seconds, find

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
        match = _find(speech, stretch, first)
        if match.correlation > best.correlation:
            best = match
    return best


def _find(speech: bytes, stretch: bytes, first: int) -> Match:
    # Most of a call is silence, and comparing bytes is quicker than correlating them.
    if stretch == bytes(len(stretch)):
        return Match(correlation=0.0, offset_samples=first // SAMPLE_BYTES)
    match = find(speech, stretch)
    return attrs.evolve(match, offset_samples=match.offset_samples + first // SAMPLE_BYTES)


class Listener:
    """Looks for speech in a growing recording, and never searches the same place twice.

    Args:
      speech: the speech to look for.
      start: the byte of the recording from which the speech may begin.
    """

    def __init__(self, speech: bytes, start: int) -> None:
        self._speech = speech
        self._next = start

    def listen(self, recording: bytes, min_correlation: float) -> Match | None:
        """Look for the speech in the places where it could not be complete before.

        Args:
          recording: all that was recorded until now.
          min_correlation: the least correlation that counts as found.

        Returns:
          The match, with its offset from the recording's first sample, or None if not found.
        """
        first = self._next
        news = recording[first:]
        if len(news) < len(self._speech):
            return None
        self._next = len(recording) - len(self._speech) + SAMPLE_BYTES
        match = _find(self._speech, news, first)
        return match if match.correlation >= min_correlation else None
