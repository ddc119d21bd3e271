"""What a worker reports of itself: its numbers, whether it takes calls, and its calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import attrs

from trio_calls.telemetry._numbers import Numbers


@attrs.frozen
class Report:
    """What a worker reports of itself at a moment.

    Attributes:
      numbers: everything that is counted.
      not_ready: why it takes no calls; None if it does.
      calls: each call, as JSON tells it; empty unless asked for.
    """

    numbers: Numbers
    not_ready: str | None
    calls: Sequence[dict[str, Any]] = ()

    def to_line(self) -> bytes:
        """Return it as a line of JSON."""
        told = {
            "numbers": self.numbers.to_json(),
            "not_ready": self.not_ready,
            "calls": self.calls,
        }
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Report:
        """Read what a worker of this version has reported.

        Raises:
          ValueError: it is no report.
        """
        try:
            told = json.loads(line)
            return cls(Numbers.from_json(told["numbers"]), told["not_ready"], told["calls"])
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no report of a worker: {error!r}") from None


class Reporter(Protocol):
    """Whoever is asked for reports: a client, or the supervisor of several workers."""

    async def report(self, *, with_calls: bool = False) -> Report:
        """Report how things are now.

        Args:
          with_calls: whether each call is to be listed.

        Cancellation: changes nothing.
        """
        ...
