"""Cutting a stream of audio into utterances, by what a detector says of it. Knows no audio."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Final

import attrs

from trio_calls.config import is_number
from trio_calls.voice._detector import checked_rate
from trio_calls.voice._speech_run import SpeechRun

#: Longer than this nobody talks: a day.
_LONGEST_SECONDS: Final = 86400


def _probability(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_number(value, 0, 1) or not value:
        raise ValueError(f"{attribute.name} must be more than 0 and at most 1, not {value!r}")


def _seconds(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_number(value, 0, _LONGEST_SECONDS):
        raise ValueError(
            f"{attribute.name} must be a number of seconds from 0 to {_LONGEST_SECONDS}, "
            f"not {value!r}"
        )


@attrs.frozen(kw_only=True)
class Endpointing:
    """When an utterance begins, and when it is over.

    Raises:
        ValueError: a setting makes no sense, or two do not fit together. The message names them.
    """

    start_probability: float = attrs.field(default=0.5, validator=_probability)
    """From this probability on, somebody begins to make a sound."""

    stop_probability: float = attrs.field(default=0.35, validator=_probability)
    """Below this probability, the sound has stopped. At most the start probability."""

    min_speech_seconds: float = attrs.field(default=0.06, validator=_seconds)
    """A sound is noticed, and counts as speech, once there has been so much of it."""

    hangover_seconds: float = attrs.field(default=0.2, validator=_seconds)
    """A gap that is shorter than this is part of the sound."""

    prefix_seconds: float = attrs.field(default=0.3, validator=_seconds)
    """An utterance has so much of what came before its first sound: soft beginnings are there."""

    pause_seconds: float = attrs.field(default=0.7, validator=_seconds)
    """A silence of this length ends the utterance. At least as long as the hangover."""

    max_seconds: float = attrs.field(default=60.0, validator=_seconds)
    """A longer utterance is cut. If the sound goes on, the next one begins right there."""

    def __attrs_post_init__(self) -> None:
        if self.stop_probability > self.start_probability:
            raise ValueError(
                f"stop_probability must be at most start_probability "
                f"({self.start_probability}), not {self.stop_probability}"
            )
        if self.pause_seconds < self.hangover_seconds:
            raise ValueError(
                f"pause_seconds must be at least hangover_seconds ({self.hangover_seconds}), "
                f"not {self.pause_seconds}"
            )
        if self.max_seconds <= self.prefix_seconds + self.min_speech_seconds:
            raise ValueError(
                f"max_seconds must be more than prefix_seconds and min_speech_seconds together "
                f"({self.prefix_seconds} and {self.min_speech_seconds}), not {self.max_seconds}"
            )


class EndReason(enum.Enum):
    """Why an utterance has ended."""

    PAUSE = "pause"
    """There was a silence of ``pause_seconds``."""

    LENGTH = "length"
    """It had become ``max_seconds`` long."""

    TURN_OVER = "turn over"
    """Whoever tells the end of turns said that the speaker has finished."""

    STREAM_OVER = "stream over"
    """There is no more audio."""


@attrs.frozen
class SpeechBegan:
    """An utterance has begun."""

    start: int
    """The position of its first sample, which is before the sound that was noticed."""

    noticed: int
    """The position at which it was clear that this is speech."""


@attrs.frozen
class SpeechEnded:
    """An utterance has ended."""

    start: int
    """The position of its first sample."""

    end: int
    """The position behind its last sample, the pause included."""

    speech_end: int
    """The position at which the speech in it ended, and the pause began."""

    reason: EndReason
    """Why it has ended."""


class Endpointer:
    """Cuts a stream into utterances, by the probabilities that a detector gives for its windows.

    Positions are whole samples since the start of the stream. Utterances do not overlap: each
    sample belongs to one of them or to none. A sound that is too short to be speech begins no
    utterance, and does not prolong one. The window in which a sample came makes no difference.

    Args:
        settings: when an utterance begins and ends.
        sample_rate: the rate of the stream in which positions are counted, in Hz.
    """

    def __init__(self, settings: Endpointing, sample_rate: int) -> None:
        checked_rate(sample_rate)
        self._run: Final = speech_run(settings, sample_rate)
        self._min_speech_samples: Final = in_samples(settings.min_speech_seconds, sample_rate)
        self._prefix_samples: Final = round(settings.prefix_seconds * sample_rate)
        self._pause_samples: Final = in_samples(settings.pause_seconds, sample_rate)
        self._max_samples: Final = in_samples(settings.max_seconds, sample_rate)
        self._start: int | None = None
        self._speech_end = 0
        self._previous_end = 0

    @property
    def position(self) -> int:
        """How many samples there have been so far."""
        return self._run.position

    @property
    def is_open(self) -> bool:
        """Whether an utterance has begun and has not ended."""
        return self._start is not None

    @property
    def quiet_samples(self) -> int:
        """For how many samples the speaker of the open utterance has been silent.

        It is 0 where no utterance is open, and while a sound may turn out to be speech.
        """
        if self._start is None or self._is_in_question():
            return 0
        return self._run.position - self._speech_end

    @property
    def needed_from(self) -> int:
        """The position of the first sample that belongs to an utterance that is open or to come."""
        return self._start if self._start is not None else self._start_of_next()

    def feed(self, probability: float, samples: int) -> Sequence[SpeechBegan | SpeechEnded]:
        """Take in what a detector says of the next samples.

        Args:
            probability: how likely it is that somebody speaks in them, from 0 to 1.
            samples: how many they are.

        Returns:
            What has begun and ended in them, in order. Mostly nothing.

        Raises:
            ValueError: the probability is not between 0 and 1, or the number is negative. Nothing
                was taken in.
        """
        if samples < 0:
            raise ValueError(f"a number of samples is not negative, got {samples}")
        run = self._run
        run.hear(probability)
        if run.start is None and self._start is None and not run.is_loud:
            # Silence, as most of a call is.
            run.advance(samples)
            return ()
        events: list[SpeechBegan | SpeechEnded] = []
        while samples:
            # It goes on, after it was cut or after a gap.
            if self._start is None and run.is_loud and self._is_noticed():
                events.append(self._begin())
            step = min(samples, self._samples_to_next_change())
            run.advance(step)
            samples -= step
            self._take_note(events)
        return events

    def finish(self, reason: EndReason = EndReason.STREAM_OVER) -> Sequence[SpeechEnded]:
        """End the utterance that is open.

        The next one begins with the next sound, and at the earliest here.

        Args:
            reason: why it ends.

        Returns:
            That it has ended; nothing if none is open.
        """
        ended = [] if self._start is None else [self._end(reason)]
        self._previous_end = self._run.position
        self._run.reset()
        return ended

    def _take_note(self, events: list[SpeechBegan | SpeechEnded]) -> None:
        run = self._run
        if self._is_noticed():
            if self._start is None and run.is_loud:
                events.append(self._begin())
            self._speech_end = run.end
        if self._start is None:
            return
        if run.position - self._start >= self._max_samples:
            events.append(self._end(EndReason.LENGTH))
        elif self._pause_remaining() <= 0 and not self._is_in_question():
            events.append(self._end(EndReason.PAUSE))

    def _samples_to_next_change(self) -> int:
        """Return how many samples there are until something may begin or end: 1 or more."""
        run = self._run
        # What is far away is as good as never.
        change = run.samples_until_over() or self._max_samples
        if run.is_loud and not self._is_noticed():
            change = min(change, self._min_speech_samples - run.speech_samples)
        if self._start is not None:
            change = min(change, self._start + self._max_samples - run.position)
            if not run.is_loud and not self._is_in_question():
                change = min(change, self._pause_remaining())
        return change

    def _pause_remaining(self) -> int:
        return self._speech_end + self._pause_samples - self._run.position

    def _is_noticed(self) -> bool:
        return self._run.speech_samples >= self._min_speech_samples

    def _is_in_question(self) -> bool:
        """Return whether there is a sound that may turn out to be speech."""
        return self._run.start is not None and not self._is_noticed()

    def _start_of_next(self) -> int:
        run = self._run
        sound = run.position if run.start is None else run.start
        earliest = run.position - self._max_samples
        return max(self._previous_end, sound - self._prefix_samples, earliest)

    def _begin(self) -> SpeechBegan:
        self._start = self._start_of_next()
        return SpeechBegan(self._start, self._run.position)

    def _end(self, reason: EndReason) -> SpeechEnded:
        assert self._start is not None
        ended = SpeechEnded(self._start, self._run.position, self._speech_end, reason)
        self._start = None
        self._previous_end = self._run.position
        return ended


def in_samples(seconds: float, sample_rate: int) -> int:
    """Return a duration as a whole number of samples, of which there is one at least."""
    return max(1, round(seconds * sample_rate))


def speech_run(settings: Endpointing, sample_rate: int) -> SpeechRun:
    """Make what tells sounds by these settings, in samples of this rate."""
    hangover_samples = in_samples(settings.hangover_seconds, sample_rate)
    return SpeechRun(settings.start_probability, settings.stop_probability, hangover_samples)
