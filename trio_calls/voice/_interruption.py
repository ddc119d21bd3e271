"""Telling whether a sound that the caller makes is to interrupt the agent. Knows no audio."""

from __future__ import annotations

import enum
from typing import Final

from trio_calls.config import is_number
from trio_calls.voice._detector import checked_rate
from trio_calls.voice._endpointing import Endpointing, in_samples, speech_run


class Decision(enum.Enum):
    """What the agent is to do, now that somebody makes a sound or has stopped."""

    PAUSE = "pause"
    """Somebody makes a sound: be silent, until it is clear what it is."""

    RESUME = "resume"
    """That was no speech, or too little of it: go on where you were."""

    INTERRUPT = "interrupt"
    """Somebody talks: the agent does not go on."""


class Interruption:
    """Decides, window by window, whether the caller interrupts the agent.

    After PAUSE comes either RESUME or INTERRUPT: RESUME as well where the agent has nothing to say
    any longer, or what it says next would be held back for ever. A sound that is long enough in its
    first window interrupts at once. What is said before the agent talks does not count.

    Args:
        min_speech_seconds: so much speech interrupts the agent, gaps left out.
        settings: what a sound is. Its ``min_speech_seconds`` is not used here.
        sample_rate: the rate in which samples are counted, in Hz.

    Raises:
        ValueError: ``min_speech_seconds`` is no number of seconds, or is negative.
    """

    def __init__(self, min_speech_seconds: float, settings: Endpointing, sample_rate: int) -> None:
        if not is_number(min_speech_seconds, 0):
            raise ValueError(
                f"min_speech_seconds must be a number of seconds from 0, not {min_speech_seconds!r}"
            )
        checked_rate(sample_rate)
        self._min_speech_samples: Final = in_samples(min_speech_seconds, sample_rate)
        self._run: Final = speech_run(settings, sample_rate)
        self._speech_samples = 0
        self._last: Decision | None = None

    @property
    def may_be_speech(self) -> bool:
        """Whether somebody makes a sound that may turn out to be speech, or has."""
        return self._run.start is not None

    def ignores(self, probability: float) -> bool:
        """Return whether `feed` changes nothing with this probability, whoever talks.

        That is silence after silence, as most of a call is: it need not be fed then.
        """
        return self._last is None and self._run.stays_silent(probability)

    def feed(self, probability: float, samples: int, is_agent_talking: bool) -> Decision | None:
        """Take in what a detector says of the next samples.

        Args:
            probability: how likely it is that somebody speaks in them, from 0 to 1.
            samples: how many they are.
            is_agent_talking: whether the agent is saying something, paused or not.

        Returns:
            What is to be done, or None if nothing changes.

        Raises:
            ValueError: the probability is not between 0 and 1.
        """
        run = self._run
        run.hear(probability)
        run.advance(samples)
        if is_agent_talking and run.is_loud:
            self._speech_samples += samples
            return self._decision_on_sound()
        if is_agent_talking and run.start is not None:
            return None
        was_paused = self._last is Decision.PAUSE
        self._forget()
        return Decision.RESUME if was_paused else None

    def _decision_on_sound(self) -> Decision | None:
        if self._last is Decision.INTERRUPT:
            return None
        if self._speech_samples >= self._min_speech_samples:
            self._last = Decision.INTERRUPT
        elif self._last is None:
            self._last = Decision.PAUSE
        else:
            return None
        return self._last

    def _forget(self) -> None:
        self._speech_samples = 0
        self._last = None
