"""Letting a model that hears and speaks in streams hold a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Protocol

import trio

from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.voice._outcome import SpeechOutcome
from trio_calls.voice._source import closing_iterator
from trio_calls.voice._speech_events import SpeechEvent
from trio_calls.voice._voice import Voice

if TYPE_CHECKING:
    from trio_calls.voice._source import SpeechSource


class SpeechModel(Protocol):
    """A model that hears speech as it is said, and answers in speech as it is made.

    `converse` calls `hear` from one task, and `answers` and `was_heard` from another.
    """

    @property
    def sample_rate(self) -> int:
        """The rate of what it hears and says, in Hz."""

    async def hear(self, event: SpeechEvent, /) -> None:
        """Take what the caller says next: the start, a frame of 20 ms, or the end of an utterance.

        Called in order. One that takes longer than people speak is cancelled, and fails with a
        `ListenerTooSlowError`, once 10 s wait.
        """

    def answers(self) -> AsyncIterable[SpeechSource]:
        """Return the answers, each when its first piece is there.

        Asked for the next one when the one before is over, heard or interrupted.
        """

    async def was_heard(self, outcome: SpeechOutcome, /) -> None:
        """Take how an answer has ended: what the caller knows of it."""


async def converse(voice: Voice, model: SpeechModel, *, min_speech_seconds: float = 0.5) -> None:
    """Let a model talk with the caller until the call is over, or it has no more answers.

    The caller may interrupt it: see `Voice.until_interrupted`. What the model raises comes out as
    it is, and in an `ExceptionGroup` only if both of its tasks fail.

    Args:
      voice: of the call.
      model: what hears and answers.
      min_speech_seconds: how much speech interrupts an answer.

    Raises:
      DetectorError, ListenerTooSlowError: as `Voice.speech_events`.

    Cancellation: the agent falls silent at once.
    """
    events = voice.speech_events(sample_rate=model.sample_rate)
    listening = _Listening()
    with plain_single_error():
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def hear() -> None:
                async for event in events:
                    with events.taking():
                        await model.hear(event)
                listening.end()

            async with closing_iterator(model.answers()) as answers:
                while (answer := await listening.next_of(answers)) is not None:
                    speech = voice.speech(answer, sample_rate=model.sample_rate)
                    with voice.until_interrupted(min_speech_seconds=min_speech_seconds):
                        await speech.say()
                    if speech.outcome is not None:
                        await model.was_heard(speech.outcome)
            nursery.cancel_scope.cancel()


class _Listening:
    """Whether somebody still hears answers, and what waits for one."""

    def __init__(self) -> None:
        self._is_over = False
        self._waiting = trio.CancelScope()

    def end(self) -> None:
        """Note that the call is over. An answer that has begun still comes to its own end."""
        self._is_over = True
        self._waiting.cancel()

    async def next_of(self, answers: AsyncIterator[SpeechSource]) -> SpeechSource | None:
        """Wait for the next answer. None if there is none, or nobody would hear it."""
        with trio.CancelScope() as self._waiting:
            if not self._is_over:
                return await anext(answers, None)
        return None
