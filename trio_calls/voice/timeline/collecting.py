"""The timelines of all calls of a test, for whoever looks at them afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from trio_calls.voice.timeline.timeline import Timeline

#: The timelines of so many voices are kept, the newest: a test may place calls without an end.
MAX_TIMELINES: Final = 100


class Timelines:
    """The timelines of the voices that are opened where this is `collected`."""

    def __init__(self) -> None:
        self._timelines: deque[Timeline] = deque(maxlen=MAX_TIMELINES)

    def __iter__(self) -> Iterator[Timeline]:
        return iter(tuple(self._timelines))

    def add(self, timeline: Timeline) -> None:
        """Keep a timeline."""
        self._timelines.append(timeline)

    def of_call(self, call_id: str) -> list[Timeline]:
        """Return the timelines of a call's voices, in the order in which they were opened."""
        return [timeline for timeline in self if timeline.opened.call_id == call_id]


#: What collects the timelines of the voices that are opened in this context. None in production.
collected: Final[ContextVar[Timelines | None]] = ContextVar("collected", default=None)
