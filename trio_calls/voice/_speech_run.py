"""Sounds, told from the probabilities of a detector: when one begins, and when it is over."""

from __future__ import annotations

from typing import Final


class SpeechRun:
    """A sound that somebody makes, or the silence until the next one.

    A sound begins with the first window of at least the start probability. It goes on in windows
    down to the stop probability, and in gaps that are shorter than the hangover.

    Args:
        start_probability: from this on, somebody begins to make a sound.
        stop_probability: below this, nobody makes a sound any more.
        hangover_samples: a gap of so many samples ends the sound.

    Attributes:
        position: how many samples there have been in all.
        is_loud: whether somebody makes a sound just now, gaps left out.
        start: the position at which the sound began, or None in silence.
        end: the position up to which the sound could be heard, gaps left out. In silence, that of
            the one before.
        speech_samples: how much of the sound there has been, gaps left out.
    """

    def __init__(
        self, start_probability: float, stop_probability: float, hangover_samples: int
    ) -> None:
        self._start_probability: Final = start_probability
        self._stop_probability: Final = stop_probability
        self._hangover_samples: Final = hangover_samples
        self.position = 0
        self.end = 0
        self.reset()

    def stays_silent(self, probability: float) -> bool:
        """Return whether it is silent, and so likely a speech begins no sound either."""
        return self.start is None and probability < self._start_probability

    def reset(self) -> None:
        """Take what was heard so far for silence."""
        self.is_loud = False
        self.start: int | None = None
        self.speech_samples = 0

    def hear(self, probability: float) -> None:
        """Take note of how likely speech is in the samples to come.

        Raises:
            ValueError: it is not between 0 and 1.
        """
        if not 0 <= probability <= 1:
            raise ValueError(f"a probability is between 0 and 1, not {probability}")
        limit = self._stop_probability if self.is_loud else self._start_probability
        self.is_loud = probability >= limit

    def advance(self, samples: int) -> None:
        """Pass over samples, which are as `hear` was told."""
        self.position += samples
        if self.is_loud:
            if self.start is None:
                self.start = self.position - samples
            self.speech_samples += samples
            self.end = self.position
        elif self.start is not None and self.position - self.end >= self._hangover_samples:
            self.reset()

    def samples_until_over(self) -> int | None:
        """Return after how many samples of silence the sound is over; None if it is, or is loud."""
        if self.start is None or self.is_loud:
            return None
        return self.end + self._hangover_samples - self.position
