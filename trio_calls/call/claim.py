"""What a ringing call hangs on: its claim, which the exchange gives and may take back.

::

    STANDING ── question() ──► IN_QUESTION        the control connection was lost, or the call is
        ▲                          │              offered again
        └──────── renew() ─────────┤
                                   ▼
                     end() ──►   GONE             the exchange has closed it, or somebody else has
                                                  it, or nothing hangs on it any more

The client's room tells it what it hears on the control connection. Whoever is about to open the
call's media connection asks it where to, and waits for it while it is in question.

A claim of which no news come stands until the call is taken, or is over: that of a call that
another process has handed over, and any on a wire that says no more of a call once it is claimed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from trio_calls.call.gatekeeper import Gatekeeper
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.wire.control_wire import RingingCall


class ClaimState(enum.Enum):
    """What is known of a claim."""

    STANDING = "STANDING"
    """The call is this process's, as far as anybody here knows."""

    IN_QUESTION = "IN_QUESTION"
    """It may be anybody's until it has been claimed again."""

    GONE = "GONE"
    """It cannot be had any more, or need not: the call was taken, or is over."""


class Claim:
    """The claim of one call.

    Attributes:
      address: where to open the media connection, by the newest word of the exchange.
      state: what is known of it.
      is_followed: whether news of it come here.
      on_end: called once when it is gone. Must neither wait nor raise.
      gatekeeper: of a call that was handed over, where others may open it as well; or None.
    """

    def __init__(self, address: RingingCall, *, is_followed: bool = True) -> None:
        self.address: RingingCall = address
        self.is_followed: bool = is_followed
        self.state: ClaimState = ClaimState.STANDING
        self.on_end: Callable[[], None] | None = None
        self.gatekeeper: Gatekeeper | None = None
        self._is_tried = False
        self._news = Wakeup()

    @property
    def is_tried(self) -> bool:
        """Whether it stands where a media connection was tried already."""
        return self._is_tried and self.state is ClaimState.STANDING

    def try_address(self) -> RingingCall:
        """Return the address, to open a media connection there now."""
        self._is_tried = True
        return self.address

    def question(self) -> None:
        """Note that the exchange may have taken it back: its control connection was lost."""
        self._change(ClaimState.IN_QUESTION)

    def offered(self) -> bool:
        """Note that the exchange offers the call. Returns whether that has put it in question.

        Where no media connection was tried, that is a repetition. Where one was, the exchange may
        have lost it, and then it has taken the claim back: nobody has the call.
        """
        was_tried = self.is_tried
        if was_tried or self.state is ClaimState.IN_QUESTION:
            self._change(ClaimState.IN_QUESTION)
        return was_tried

    def renew(self, address: RingingCall) -> None:
        """Note that it stands, perhaps with a new address."""
        self.address = address
        self._is_tried = False
        self._change(ClaimState.STANDING)

    def end(self) -> None:
        """Note that it is gone, for good."""
        self._change(ClaimState.GONE)
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end()

    async def wait_news(self) -> None:
        """Wait until something is noted about it.

        Cancellation: changes nothing.
        """
        await self._news.wait()

    async def wait_settled(self) -> None:
        """Wait while it is in question. No checkpoint if it is not.

        Cancellation: changes nothing.
        """
        while self.state is ClaimState.IN_QUESTION:
            await self.wait_news()

    def _change(self, state: ClaimState) -> None:
        if self.state is not ClaimState.GONE:
            self.state = state
            self._news.wake()
