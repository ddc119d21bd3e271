"""How long the other side waits until it hears the agent, in parts that have an owner. Pure.

::

    somebody speaks ─┤ speech_end
                     │  pause       until it was clear that they have finished: settings
                     ┤ the utterance is over
                     │  thinking    until `say` was called: the application
                     ┤ said
                     │  synthesis   until its first audio is there, once it is asked for
                     │  queue       behind other speech, and until it is heard: the exchange
    the agent ───────┤ heard

A turn is one utterance and the first speech after it that is heard. Who speaks again before the
application has answered has not finished, and their turn begins anew. What is said before an
utterance is over, and after its last sound, answers it all the same: the pause ends there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

#: More nobody says in the pause at the end of an utterance.
_MAX_EAGER: Final = 10

#: Times are whole milliseconds before they are subtracted: so parts add up to the last digit.
_DIGITS: Final = 3


@attrs.frozen
class ReactionTime:
    """How long somebody has waited until they heard the agent answer, and what took so long.

    Attributes:
      speech_end_seconds: when they ceased to speak, in seconds since the voice was opened.
      pause_seconds: from there until it was clear that their utterance is over. It is up to the
        `Endpointing`, to the `EndOfTurn` if there is one, and a little to the detector.
      thinking_seconds: from there until `Speech.say` was called. It is up to the application: what
        recognizes the utterance, and thinks of an answer.
      synthesis_seconds: how long the first audio took to come, once it was asked for.
      queue_seconds: how long it waited behind other speech, and until it was heard.
    """

    speech_end_seconds: float
    pause_seconds: float
    thinking_seconds: float
    synthesis_seconds: float
    queue_seconds: float

    @property
    def total_seconds(self) -> float:
        """How long they have waited in all: the sum of the parts."""
        parts = (self.pause_seconds, self.thinking_seconds, self.synthesis_seconds)
        return round(sum(parts) + self.queue_seconds, _DIGITS)


@attrs.define(eq=False)
class _Question:
    """An utterance that is over.

    Attributes:
      speech_end: when its last sound was over.
      over_at: when it was clear that it is over.
      is_answered: whether something was heard since.
    """

    speech_end: float
    over_at: float
    is_answered: bool = False


@attrs.define(eq=False)
class Answer:
    """A speech that may turn out to be an answer.

    Attributes:
      said_at: when `say` was called.
      begun_at: when nothing was before it any longer, and its audio was asked for.
      audio_at: when its first audio was there.
      heard_at: when that was heard.
      question: what it answers, if that is known.
    """

    said_at: float
    begun_at: float | None = None
    audio_at: float | None = None
    heard_at: float | None = None
    question: _Question | None = None

    def begin(self, at: float) -> None:
        """Note that its audio is asked for."""
        self.begun_at = at

    def has_audio(self, at: float) -> None:
        """Note that some of its audio is there. The first time counts."""
        if self.audio_at is None:
            self.audio_at = at


class Reactions:
    """Measures reaction times. All times are in seconds on one clock.

    Args:
      tell: is called with each, and with the time at which the agent was heard.
    """

    def __init__(self, tell: Callable[[ReactionTime, float], None]) -> None:
        self._tell = tell
        self._question: _Question | None = None
        # Those that answer nothing so far: the utterance that they answer may not be over.
        self._eager: deque[Answer] = deque(maxlen=_MAX_EAGER)

    def began(self) -> None:
        """Note that somebody has begun to speak: what they have said before was not all."""
        self._question = None

    def ended(self, speech_end: float, at: float) -> None:
        """Note that an utterance is over.

        Args:
          speech_end: when its last sound was over.
          at: when it was clear that it is over.
        """
        question = self._question = _Question(speech_end, at)
        eager = [answer for answer in self._eager if answer.said_at >= speech_end]
        self._eager.clear()
        for answer in eager:
            answer.question = question
        heard = [answer for answer in eager if answer.heard_at is not None]
        if heard:
            self._finish(min(heard, key=lambda answer: answer.heard_at or 0))

    def answer(self, at: float) -> Answer:
        """Note that the agent is to say something, and return what follows it from there."""
        answer = Answer(at, question=self._question)
        if self._question is None:
            self._eager.append(answer)
        return answer

    def heard(self, answer: Answer, at: float) -> None:
        """Note that an answer is heard from a moment on."""
        answer.heard_at = at
        self._finish(answer)

    def _finish(self, answer: Answer) -> None:
        question = answer.question
        if question is None or question.is_answered or answer.heard_at is None:
            return
        question.is_answered = True
        if self._question is question:
            self._question = None
        self._tell(_reaction_time(question, answer, answer.heard_at), answer.heard_at)


def _reaction_time(question: _Question, answer: Answer, heard_at: float) -> ReactionTime:
    begun_at = answer.said_at if answer.begun_at is None else answer.begun_at
    audio_at = begun_at if answer.audio_at is None else answer.audio_at
    moments = (question.speech_end, min(question.over_at, answer.said_at), answer.said_at, heard_at)
    speech_end, over, said, heard = _in_order(*moments)
    synthesis = min(round(max(0.0, audio_at - begun_at), _DIGITS), heard - said)
    return ReactionTime(
        speech_end_seconds=speech_end,
        pause_seconds=round(over - speech_end, _DIGITS),
        thinking_seconds=round(said - over, _DIGITS),
        synthesis_seconds=round(synthesis, _DIGITS),
        queue_seconds=round(heard - said - synthesis, _DIGITS),
    )


def _in_order(*moments: float) -> list[float]:
    """Return moments in whole milliseconds, none before the one before it."""
    latest = moments[0]
    return [round(latest := max(latest, moment), _DIGITS) for moment in moments]
