"""What has happened since a voice was opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.voice.timeline.reactions import ReactionTime
from trio_calls.voice.timeline.records import CallOpened, Record, Turn

#: How many records are kept: a conversation of a quarter of an hour, at one each second. With what
#: is said in them they take some 0.3 MB.
MAX_RECORDS: Final = 1000

#: How many reaction times are kept.
MAX_REACTION_TIMES: Final = 1000


@attrs.frozen
class VoiceStatistics:
    """What a voice has measured so far.

    Attributes:
      reaction_times: of each turn, the newest last; the newest 1000.
      forgotten_records: how many of the oldest records of the timeline are not kept any longer.
    """

    reaction_times: tuple[ReactionTime, ...]
    forgotten_records: int


class Timeline:
    """The newest records of a voice, in the order in which they came.

    It knows nothing of its call but the facts: it may be kept when the call is long gone.

    Args:
      opened: which call this is.
      opened_at: zero of the records' times, in Trio's time.

    Attributes:
      opened: which call this is.
    """

    def __init__(self, opened: CallOpened, opened_at: float) -> None:
        self.opened: CallOpened = opened
        self._opened_at = opened_at
        self._records: deque[Record] = deque(maxlen=MAX_RECORDS)
        self._forgotten = 0
        self._reaction_times: deque[ReactionTime] = deque(maxlen=MAX_REACTION_TIMES)
        self._watchers: list[Callable[[Record], None]] = []

    def now(self) -> float:
        """Return how long ago the voice was opened, in seconds."""
        return self.since_opening(trio.current_time())

    def since_opening(self, time: float) -> float:
        """Return a moment in Trio's time as one since the voice was opened, in seconds."""
        return time - self._opened_at

    @property
    def records(self) -> list[Record]:
        """The record of the call, and those that are kept."""
        return [attrs.evolve(self.opened, forgotten=self._forgotten), *self._records]

    def statistics(self) -> VoiceStatistics:
        """Return what was measured so far."""
        return VoiceStatistics(tuple(self._reaction_times), self._forgotten)

    def add(self, record: Record) -> None:
        """Note what has happened, and tell those who watch."""
        if len(self._records) == MAX_RECORDS:
            self._forgotten += 1
        self._records.append(record)
        for watcher in tuple(self._watchers):
            watcher(record)

    def watch(self, watcher: Callable[[Record], None]) -> None:
        """Tell somebody of each record from now on. They may neither wait nor raise."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[Record], None]) -> None:
        """Tell somebody no longer, if they were told."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def add_turn(self, time: ReactionTime, heard_at: float) -> None:
        """Note a reaction time, and when it was over."""
        self._reaction_times.append(time)
        self.add(
            Turn(
                heard_at,
                time.speech_end_seconds,
                time.pause_seconds,
                time.thinking_seconds,
                time.synthesis_seconds,
                time.queue_seconds,
                time.total_seconds,
            )
        )
