"""When the caller of ``trio-calls dial`` hangs up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trio_calls.cli.conversation import SpokenLine

#: How long an answered caller waits for its turn, beyond what its next line asks for, in seconds.
TURN_SECONDS: Final = 60.0

#: How long after the answer, and after the last word, the caller hangs up by default, in seconds.
TALK_SECONDS: Final = 10.0


class Patience:
    """The moment at which the caller hangs up, as it moves while the call goes on.

    All times are of one clock, in seconds.

    Args:
      now: when the call was placed.
      ring_seconds: how long the caller waits for an answer.
      talk_seconds: how long after the answer it hangs up, whatever it has still to say. None: when
        it has said everything, `TALK_SECONDS` after the answer or after its last word.
      lines: what it says.

    Attributes:
      ends_at: when it hangs up.
    """

    def __init__(
        self,
        now: float,
        ring_seconds: float,
        talk_seconds: float | None,
        lines: Sequence[SpokenLine],
    ) -> None:
        self.ends_at: float = now + ring_seconds
        self._talk_seconds = talk_seconds
        self._lines = lines
        self._least: float | None = None

    def answered(self, now: float) -> None:
        """Note that the caller talks with somebody."""
        if self._least is not None:
            return
        self._least = self.ends_at = now + (
            TALK_SECONDS if self._talk_seconds is None else self._talk_seconds
        )
        self._wait_for_line(0, now)

    def begins(self, number: int, now: float) -> None:
        """Note that the caller begins to say a line; the first is 1."""
        self.answered(now)
        if number <= len(self._lines):
            self._stay_until(now + self._lines[number - 1].speech.seconds + TURN_SECONDS)

    def has_said(self, number: int, now: float) -> None:
        """Note that the caller has said a line."""
        self.answered(now)
        if number < len(self._lines):
            self._wait_for_line(number, now)
        else:
            self._stay_until(now + TALK_SECONDS)

    def _wait_for_line(self, index: int, now: float) -> None:
        if self._lines:
            self._stay_until(now + self._lines[index].wait_seconds + TURN_SECONDS)

    def _stay_until(self, moment: float) -> None:
        if self._talk_seconds is None and self._least is not None:
            self.ends_at = max(self._least, moment)
