"""Speech that stands in line, and places in what is said."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs


@attrs.define(eq=False)
class Mark:
    """A place in what is said: the end of everything that was said before.

    Attributes:
      position: in bytes since the call began. It moves back when speech before it is withdrawn.
    """

    position: int


@attrs.define(eq=False)
class Barrier:
    """A place in what is said beyond which nothing is sent, until the barrier is lifted.

    Attributes:
      mark: the place.
      expires_at: the time at which it is lifted whatever happens, in seconds.
    """

    mark: Mark
    expires_at: float = math.inf


@attrs.define(eq=False)
class Pause(Barrier):
    """A place at which speech stands still, faded out.

    Attributes:
      start: the position at which it was paused. What is inserted there ends at the mark.
      fade_bytes: how much of what was said is faded out there.
    """

    start: int = attrs.field(kw_only=True)
    fade_bytes: int = attrs.field(kw_only=True)


@attrs.define(eq=False)
class Speech:
    """Speech that stands in line, as there is no room for all of it.

    Attributes:
      rest: what is not queued yet.
      is_over: whether it is out of the line.
      was_dropped: whether it left the line before all of it was queued.
      on_over: called when it leaves the line, with the rest queued or dropped. Once.
    """

    rest: memoryview
    is_over: bool = False
    was_dropped: bool = False
    on_over: Callable[[], None] | None = None

    def take(self, size: int) -> memoryview:
        """Take the next bytes of it."""
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def end(self) -> None:
        """Note that it has left the line."""
        self.is_over = True
        if self.on_over is not None:
            self.on_over()

    def drop(self) -> None:
        """Drop the rest, and note that it has left the line."""
        self.was_dropped = True
        # What the caller has passed is the caller's again.
        self.rest = self.rest[:0]
        self.end()
