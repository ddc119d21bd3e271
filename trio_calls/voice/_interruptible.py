"""Blocks that end when the caller talks over the agent."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

import trio

from trio_calls.call.playout import Playout
from trio_calls.voice._endpointing import SpeechBegan, SpeechEnded
from trio_calls.voice._first_sound import FirstSound
from trio_calls.voice._interruption import Decision, Interruption
from trio_calls.voice._listening import Listening
from trio_calls.voice.timeline.records import Interrupted, Paused, Resumed
from trio_calls.voice.timeline.timeline import Timeline


class InterruptionScope:
    """A block that is cancelled when somebody talks over the agent.

    Got from `Voice.until_interrupted`.

    Attributes:
      cancel_scope: of the block.
    """

    def __init__(
        self,
        listening: Listening,
        interruption: Interruption,
        playout: Playout,
        timeline: Timeline,
        channel: int,
        *,
        check_open: Callable[[], None],
    ) -> None:
        self.cancel_scope: trio.CancelScope = trio.CancelScope()
        self._listening = listening
        self._interruption = interruption
        self._first_sound = FirstSound(listening.sample_rate)
        self._playout = playout
        self._timeline = timeline
        self._channel = channel
        self._check_open = check_open
        self._was_interrupted = False

    @property
    def cancelled_caught(self) -> bool:
        """Whether the block was cut short."""
        return self.cancel_scope.cancelled_caught

    def cancel(self) -> None:
        """Cut the block short now."""
        self.cancel_scope.cancel()

    def __enter__(self) -> Self:
        self._check_open()
        self.cancel_scope.__enter__()
        self._listening.add_for_sounds(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._listening.remove(self)
        if self._was_interrupted:
            self._playout.stop()
        self._resume(self._first_sound)
        self._resume(self)
        is_caught = self.cancel_scope.__exit__(kind, error, traceback)
        if error is None or is_caught:
            self._listening.check()
        return is_caught

    def heard_window(self, probability: float, samples: int) -> None:
        """Pause, resume or cancel, if this window calls for it."""
        if self._interruption.ignores(probability):
            return
        match self._interruption.feed(probability, samples, self._playout.is_talking):
            case Decision.PAUSE:
                self._pause(self)
            case Decision.RESUME:
                self._resume(self)
            case Decision.INTERRUPT:
                self._was_interrupted = True
                self._timeline.add(Interrupted(self._timeline.now(), self._channel))
                self.cancel_scope.cancel()

    def heard_sound(self, is_sound: bool, samples: int) -> None:
        """Pause or resume, if this frame calls for it."""
        if not is_sound and self._first_sound.is_at_rest:
            return
        decision = self._first_sound.feed(
            is_sound,
            samples,
            is_agent_talking=self._playout.is_talking,
            may_be_speech=self._interruption.may_be_speech,
        )
        match decision:
            case Decision.PAUSE:
                self._pause(self._first_sound)
            case Decision.RESUME:
                self._resume(self._first_sound)

    def _pause(self, holder: object) -> None:
        if self._playout.pause(holder):
            self._timeline.add(Paused(self._timeline.now(), "sound"))

    def _resume(self, holder: object) -> None:
        # What is interrupted does not go on.
        if self._playout.resume(holder) and not self._was_interrupted:
            self._timeline.add(Resumed(self._timeline.now(), "sound"))

    def heard_event(self, event: SpeechBegan | SpeechEnded) -> None:
        """Nothing: what makes an utterance is not what interrupts."""

    def ended(self) -> None:
        """Cut the block short if the detector has failed: nobody could interrupt it any longer."""
        if self._listening.failure is not None:
            self.cancel_scope.cancel()
