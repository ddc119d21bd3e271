"""Whoever decides which of several processes opens a call that was handed over."""

from __future__ import annotations

from typing import Protocol

from trio_calls.endings import Ending


class Gatekeeper(Protocol):
    """Knows of the other processes that may have the same call, and keeps them apart."""

    async def may_open(self) -> str | None:
        """Return why the call's media connection must not be opened; None if it may be.

        Asked before each attempt to open it. Must come to an end by itself, and not raise.

        Cancellation: the call is left, and nothing is opened.
        """
        ...

    def opened(self) -> None:
        """Note that the media connection is open. Must neither wait nor raise."""
        ...

    def stopped_ringing(self, ending: Ending | None) -> None:
        """Note that the call does not ring for this process any more. Must neither wait nor raise.

        Args:
          ending: how the call has ended; None if it goes on, as it was answered or connected.
        """
        ...
