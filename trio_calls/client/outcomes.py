"""What became of calls that rang, and how many may ring for that: see `failing_handlers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls.call.scope import CallScope
from trio_calls.client.failing_handlers import FailingHandlers
from trio_calls.endings import EndCause
from trio_calls.state import STATES_WITH_AUDIO

logger = get_logger("trio_calls.incoming")

#: What ends a call that its handler did not want, and has not failed with.
_ON_PURPOSE: Final = frozenset({EndCause.CLOSE, EndCause.DISCONNECT, EndCause.HANDED_OVER})


class Outcomes:
    """Follows the calls of one process.

    Args:
      on_pause: called with a number of seconds for which no call is to be taken, as too many have
        failed. Must neither wait nor raise.
    """

    def __init__(self, on_pause: Callable[[float], None]) -> None:
        self._failing = FailingHandlers()
        self._on_pause = on_pause

    def room(self) -> float:
        """Return how many calls may ring now, or be claimed, at once."""
        return self._failing.room(trio.current_time())

    @property
    def strain(self) -> float:
        """How much failing calls count as load, from 0 to 1."""
        return self._failing.strain

    def stopped_ringing(self, call: CallScope) -> None:
        """Note that a call does not ring any more, whatever has ended that."""
        if not call.failed_before_answer and call.core.protocol.state in STATES_WITH_AUDIO:
            self._failing.went_well()

    def closed(self, call: CallScope) -> None:
        """Note that a call's scope is closed."""
        ending = call.core.ending.ending
        if call.failed_before_answer:
            self._note_failure()
        elif ending is not None and ending.cause in _ON_PURPOSE:
            self._failing.went_well()

    def _note_failure(self) -> None:
        pause = self._failing.failed(trio.current_time())
        if pause is None:
            return
        logger.warning(
            "%d calls in a row have failed before they were answered: this client claims no call "
            "for %g s, so that others get them. The log says above why their handlers have failed",
            self._failing.failures,
            pause,
        )
        self._on_pause(pause)
