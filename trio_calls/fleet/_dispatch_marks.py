"""The states of a call on its way to a worker, and who may take it when.

::

                       a worker is about to open it
    put ──► WAITING ────────────────────────────────► OPENING ──► OPENED
               │                                      │  ▲ └┐
               │ the dispatcher gives it up           │  └──┘ its worker was not heard of for a
               ▼                                      │       while: another one tries
           WITHDRAWN ◄────────────────────────────────┘

A mark in Redis holds the state. It is the only thing that says who may open a call: each change of
it names the mark that it replaces, so that of two who change it only one succeeds. A mark that is
not there belongs to a call whose time is over, or Redis has lost it.

Which worker has taken the call, and is alive, is another question. Redis keeps it with the entry of
the stream, and so does how long ago the worker has said so.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

#: A worker says that it is alive so often, in seconds.
BEAT_SECONDS: Final = 0.4
#: And looks so often for calls of workers that do not.
LOOK_SECONDS: Final = 0.3
#: After so long another one takes what a worker has taken, and has not marked. With a look this
#: makes 1.5 s, and half a second is for the machine.
LOST_SECONDS: Final = 1.2
#: After so long another one tries what a worker was about to open.
DOUBT_SECONDS: Final = 2.0
#: Longer than this no opening takes.
OPENING_SECONDS: Final = 12.0
#: So long Redis keeps the mark of a call that somebody opens, or that is done with.
KEPT_SECONDS: Final = 60.0

#: A mark is as long as the longest name of a worker, and one word.
_MAX_LENGTH: Final = 200


class Stage(enum.Enum):
    """How far a call has come."""

    WAITING = "waiting"
    """It rings, and nobody may have opened it."""

    OPENING = "opening"
    """A worker may have opened it, or may be about to."""

    OPENED = "opened"
    """A worker has opened it, or was told that nobody can any more. It is over for all others."""

    WITHDRAWN = "withdrawn"
    """The dispatcher has given it up: nobody opens it any more."""


@attrs.frozen
class Mark:
    """What is known of a call.

    Attributes:
      stage: how far it has come.
      worker: the name of whoever opens it, while somebody does; empty otherwise.
    """

    stage: Stage
    worker: str = ""

    def encode(self) -> str:
        """Return it as Redis keeps it."""
        return f"{self.stage.value} {self.worker}" if self.worker else self.stage.value

    @classmethod
    def decode(cls, text: str) -> Mark:
        """Read what `encode` has written.

        Raises:
          ValueError: that is no mark. The message does not quote it.
        """
        word, separator, worker = text.partition(" ")
        stages = {stage.value: stage for stage in Stage}
        stage = stages.get(word)
        needs_worker = stage is Stage.OPENING
        if (
            stage is None
            or len(text) > _MAX_LENGTH
            or not worker.isprintable()
            or bool(separator) is not needs_worker
            or bool(worker) is not needs_worker
        ):
            raise ValueError("not the mark of a call")
        return cls(stage, worker)


WAITING: Final = Mark(Stage.WAITING)
OPENED: Final = Mark(Stage.OPENED)
WITHDRAWN: Final = Mark(Stage.WITHDRAWN)


def opening(worker: str) -> Mark:
    """Return the mark of a call that a worker is about to open."""
    return Mark(Stage.OPENING, worker)


class Verdict(enum.Enum):
    """What a worker does with a call that it finds."""

    TAKE = "take"
    """It serves it."""

    LEAVE = "leave"
    """It is another's, for now."""

    CLEAR = "clear"
    """Nobody needs it any more: it is taken off the stream."""


def verdict(mark: Mark | None, idle_seconds: float | None) -> Verdict:
    """Say what a worker does with a call.

    Args:
      mark: of the call; None if there is none.
      idle_seconds: how long ago the worker that has taken it was heard of; None for a call that
        nobody has taken before.
    """
    if mark is None or mark.stage in {Stage.OPENED, Stage.WITHDRAWN}:
        return Verdict.CLEAR
    if mark.stage is Stage.OPENING:
        # One that comes as new, and is not: Redis was told to deliver it once more.
        is_due = idle_seconds is not None and idle_seconds >= DOUBT_SECONDS
    else:
        is_due = idle_seconds is None or idle_seconds >= LOST_SECONDS
    return Verdict.TAKE if is_due else Verdict.LEAVE


def why_not_opened(wanted: Mark, found: Mark | None) -> str | None:
    """Return why a worker must not open a call; None if it may.

    Args:
      wanted: the mark that it has asked for.
      found: what is there after that.
    """
    if found == wanted:
        return None
    if found is None:
        return "its time to ring was over"
    match found.stage:
        case Stage.WITHDRAWN:
            return "the dispatcher has given it up"
        case Stage.OPENED:
            return "another worker has opened it"
        case Stage.OPENING | Stage.WAITING:
            return "another worker opens it"


class Outlook(enum.Enum):
    """What a dispatcher does with a call that it has put on a stream."""

    WAIT = "wait"
    """Somebody may still open it."""

    DONE = "done"
    """Somebody has: it is none of the dispatcher's any more."""

    PUT_AGAIN = "put again"
    """Redis has lost it."""

    DECLINE = "decline"
    """Nobody has opened it in time: the caller is told."""


def outlook(mark: Mark | None, *, left_seconds: float, lost_seconds: float) -> Outlook:
    """Say what a dispatcher does with a call.

    Args:
      mark: of the call; None if there is none.
      left_seconds: for how long it may still ring unopened; negative when that is over.
      lost_seconds: for how long there has been no mark.
    """
    if mark is not None and mark.stage in {Stage.OPENED, Stage.WITHDRAWN}:
        return Outlook.DONE
    if mark is not None and mark.stage is Stage.OPENING:
        # Whoever opens it needs its time, and whoever tries after that one.
        return Outlook.WAIT if left_seconds > -OPENING_SECONDS else Outlook.DECLINE
    if left_seconds <= 0:
        return Outlook.DECLINE
    # Whoever was about to open it when Redis was lost has that long to say that it has.
    is_lost = mark is None and lost_seconds >= DOUBT_SECONDS
    return Outlook.PUT_AGAIN if is_lost else Outlook.WAIT
