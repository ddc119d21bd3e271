"""What SDKs did against the protocol."""

from __future__ import annotations

from typing import Final

import attrs
import trio

from trio_calls._logging import get_logger

logger = get_logger("trio_calls.simulator.violations")

#: So many are kept; the log has the others too.
MAX_VIOLATIONS: Final = 1000


@attrs.frozen
class Violation:
    """Something that an SDK must not do.

    Attributes:
      time: when it happened, by `trio.current_time`, in seconds.
      connection: where it happened: ``control connection <id>``, or
        ``media connection of call <id>``.
      fault: what was wrong, without the content of what was sent.
    """

    time: float
    connection: str
    fault: str


class ViolationLog:
    """Keeps violations, and logs each at WARNING.

    Attributes:
      violations: the first `MAX_VIOLATIONS` of them, oldest first.
    """

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def add(self, connection: str, fault: str) -> None:
        """Note that something was wrong on a connection."""
        logger.warning("the SDK broke the protocol on the %s: %s", connection, fault)
        if len(self.violations) < MAX_VIOLATIONS:
            self.violations.append(Violation(trio.current_time(), connection, fault))
