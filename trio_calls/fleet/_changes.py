"""What has changed since Redis was told last. It is bounded, however long Redis is away.

Of each call only that it has changed is kept: what is written is how it is by then. So a call that
changes a hundred times while Redis is slow is written once.

Events are taken in pieces. To write one takes 60 µs of this thread, in which no call goes on: all
that may wait would be a third of a second.
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeVar

import attrs

from trio_calls.fleet._events import CallEvent
from trio_calls.fleet._orders import Answer

ItemT = TypeVar("ItemT")

#: Above so many changed calls everything is written again.
MAX_CALLS: Final = 10_000

#: So many events wait at the most; the oldest are dropped.
MAX_EVENTS: Final = 5_000

#: So many are taken at once, and so many answers.
MAX_PIECE: Final = 100

#: And so many answers. Whoever waits for one that was dropped is told that there was none.
MAX_ANSWERS: Final = 200


@attrs.frozen
class Batch:
    """What Redis is to be told.

    Attributes:
      is_all: whether every call is to be written, and what is not among them removed.
      call_ids: the calls that have changed, or are gone; of no interest with `is_all`.
      events: what has happened, by the id of the call, the oldest first.
      answers: to orders, by their ids.
      has_more: whether more has happened than is in it.
    """

    is_all: bool
    call_ids: frozenset[str]
    events: tuple[tuple[str, CallEvent], ...] = ()
    answers: tuple[tuple[str, Answer], ...] = ()
    has_more: bool = False


class Changes:
    """Collects what has changed. Everything has, to begin with.

    Attributes:
      dropped_events: how many events were dropped so far, as too many waited.
    """

    def __init__(self) -> None:
        self.dropped_events: int = 0
        self._is_all = True
        self._call_ids: set[str] = set()
        self._events: deque[tuple[str, CallEvent]] = deque()
        self._answers: deque[tuple[str, Answer]] = deque(maxlen=MAX_ANSWERS)

    def __bool__(self) -> bool:
        return self._is_all or bool(self._call_ids or self._events or self._answers)

    def add_call(self, call_id: str) -> None:
        """Note that a call has come, changed or gone."""
        if not self._is_all:
            self._call_ids.add(call_id)
            if len(self._call_ids) > MAX_CALLS:
                self.add_all()

    def add_all(self) -> None:
        """Note that everything is to be written again."""
        self._is_all = True
        self._call_ids.clear()

    def add_event(self, call_id: str, event: CallEvent) -> None:
        """Note that something has happened to a call."""
        if len(self._events) >= MAX_EVENTS:
            self._events.popleft()
            self.dropped_events += 1
        self._events.append((call_id, event))

    def add_answer(self, order_id: str, answer: Answer) -> None:
        """Note what is to be answered."""
        self._answers.append((order_id, answer))

    def take(self) -> Batch:
        """Return what there is, as far as that is a piece, and keep the rest."""
        events, answers = _take_piece(self._events), _take_piece(self._answers)
        has_more = bool(self._events or self._answers)
        batch = Batch(self._is_all, frozenset(self._call_ids), events, answers, has_more)
        self._is_all = False
        self._call_ids.clear()
        return batch

    def give_back(self, batch: Batch) -> None:
        """Take back what could not be written. What has happened meanwhile comes behind it.

        The state of a server that has not answered is not known: everything is to be written again.
        """
        self.add_all()
        later_events, later_answers = tuple(self._events), tuple(self._answers)
        self._events.clear()
        self._answers.clear()
        for call_id, event in (*batch.events, *later_events):
            self.add_event(call_id, event)
        self._answers.extend((*batch.answers, *later_answers))


def _take_piece(waiting: deque[ItemT]) -> tuple[ItemT, ...]:
    """Take the oldest."""
    return tuple(waiting.popleft() for _ in range(min(len(waiting), MAX_PIECE)))
