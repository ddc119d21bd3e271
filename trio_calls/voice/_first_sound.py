"""Pausing with the first sound, before a detector can tell what it is. Knows no audio."""

from __future__ import annotations

from typing import Final

from trio_calls.voice._endpointing import in_samples
from trio_calls.voice._interruption import Decision

#: So long the detector has to say that it may be speech. Then the agent goes on,
_PATIENCE_SECONDS: Final = 0.2

#: and so long no sound pauses it again, so that a noisy line costs it little.
_REST_SECONDS: Final = 1.0


class FirstSound:
    """Pauses an agent with the first sound, and lets it go on unless that may be speech.

    A neural network needs two or three windows to tell speech, 100 ms in which two voices are
    heard. The level tells a sound within a frame. It is often wrong, but a pause costs nothing.

    Args:
      sample_rate: in which samples are counted, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._patience_samples: Final = in_samples(_PATIENCE_SECONDS, sample_rate)
        self._rest_samples: Final = in_samples(_REST_SECONDS, sample_rate)
        # For how many samples it has paused, and for how many more it must not.
        self._paused_samples: int | None = None
        self._resting_samples = 0

    @property
    def is_at_rest(self) -> bool:
        """Whether only a sound can change anything."""
        return self._paused_samples is None and not self._resting_samples

    def feed(
        self, is_sound: bool, samples: int, *, is_agent_talking: bool, may_be_speech: bool
    ) -> Decision | None:
        """Take in what the first ear says of the next samples.

        Args:
          is_sound: whether they are a sound.
          samples: how many they are.
          is_agent_talking: whether the agent is saying something, paused or not.
          may_be_speech: whether the detector takes what it has heard last for speech.

        Returns:
          PAUSE or RESUME, or None if nothing changes. After `may_be_speech` the detector decides,
          and this counts no further.
        """
        self._resting_samples = max(0, self._resting_samples - samples)
        if self._paused_samples is None:
            is_news = is_sound and not may_be_speech
            if is_news and is_agent_talking and not self._resting_samples:
                self._paused_samples = 0
                return Decision.PAUSE
            return None
        self._paused_samples += samples
        if may_be_speech:
            self._paused_samples = None
            return Decision.RESUME
        if self._paused_samples >= self._patience_samples or not is_agent_talking:
            self._paused_samples = None
            self._resting_samples = self._rest_samples
            return Decision.RESUME
        return None
