"""Telling those who watch the call what only its voice knows."""

from __future__ import annotations

import attrs

from trio_calls.call.observers import CallObservers, TurnTaken
from trio_calls.voice.timeline.records import Interrupted, Record, Turn


@attrs.frozen
class PassingOn:
    """Tells the observers of a call of turns and interruptions: watches a `Timeline`.

    Attributes:
      observers: of the call.
      opened_at: zero of the records' times, in Trio's time.
    """

    observers: CallObservers
    opened_at: float

    def __call__(self, record: Record) -> None:
        """Tell of a record, if it is one of those."""
        match record:
            case Interrupted():
                self.observers.interrupted()
            case Turn():
                turn = TurnTaken(
                    silent_at=self.opened_at + record.speech_end,
                    heard_at=self.opened_at + record.at,
                    pause_seconds=record.pause,
                    thinking_seconds=record.thinking,
                    synthesis_seconds=record.synthesis,
                    queue_seconds=record.queue,
                )
                self.observers.turn_taken(turn)
            case _:
                pass
