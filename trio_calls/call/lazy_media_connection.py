"""A call's media connection, which is opened when the call is first acted on.

A ringing call hangs on its claim, and a claim may be lost while a command waits for it. So there
are three ways to fail, and each has its own bound::

    the claim is in question        wait until it is renewed                      10 s in all
    the opening fails               if the claim was renewed meanwhile, or will   5 openings
                                    be: try its new place
    the claim is gone               try nothing any more: the call is over

Of some claims no news come: see `trio_calls.call.claim`. There the word of whoever refuses the
connection has to do, and what may pass, as when the exchange is restarted, is tried again at the
same place, within 10 s.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final

import trio

from trio_calls._logging import get_logger
from trio_calls.call.claim import Claim, ClaimState
from trio_calls.call.media_connection import CONNECT_SECONDS, MediaConnection
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSCallClosedError, WSSMediaError
from trio_calls.transport.explain import quote
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.control_wire import RingingCall

logger = get_logger("trio_calls.media")

#: The exchange refuses a connection whose claim it has taken back, and the reason, the end of the
#: call or of the control connection, may still be on its way here. So long an opening that was
#: refused waits for that news, within the time that an opening may take.
NEWS_SECONDS: Final = 2.0

#: And so long one that failed otherwise, perhaps as the exchange is just being restarted.
RESTART_NEWS_SECONDS: Final = 1.0

#: So long it takes until an opening is tried again of which no news come; twice as long each time.
TRY_AGAIN_SECONDS: Final = 0.5

#: An exchange that gives new addresses and takes none of them must not be tried for ever.
MAX_OPENINGS: Final = 5


class LazyMediaConnection:
    """Opens a call's media connection when it is first needed, and again where that failed.

    It leads to the call's other parts only while the call's scope is open. So they are in no
    reference cycle afterwards, and their memory, up to some seconds of audio, is free at once and
    not when the garbage collector comes around.

    Attributes:
      is_wanted: whether anybody has ever asked for the connection: every command does.
    """

    def __init__(self, claim: Claim, config: ClientConfig, tls: ClientTLS) -> None:
        self._claim = claim
        self._config = config
        self._tls = tls
        self._nursery: trio.Nursery | None = None
        self._make: Callable[[], MediaConnection] | None = None
        self._on_failure: Callable[[MediaConnection], None] = _nobody_asks
        self._media: MediaConnection | None = None
        self.is_wanted: bool = False

    def start(
        self,
        nursery: trio.Nursery,
        make: Callable[[], MediaConnection],
        on_failure: Callable[[MediaConnection], None],
    ) -> None:
        """Choose where the connection's tasks will run, and how a connection is made.

        Args:
          nursery: where its tasks run.
          make: makes a connection that is not open yet.
          on_failure: called with one that could not be opened, before anybody who waits for it goes
            on. Must neither wait nor raise.
        """
        self._nursery = nursery
        self._make = make
        self._on_failure = on_failure

    def forget(self) -> None:
        """Forget the connection, and how to make one: the call's scope is closed."""
        self._nursery = self._make = self._media = None
        self._on_failure = _nobody_asks

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, or was until the call ended."""
        return self._media is not None and self._media.is_open

    @property
    def is_opening_or_open(self) -> bool:
        """Whether the connection is open, or is being opened."""
        return self._media is not None and not self._media.has_failed

    def quote(self, words: str) -> str:
        """Make words of the exchange fit for logs and errors: it may quote our credentials."""
        return quote(words, self._config, self._claim.address.token)

    async def open(self) -> None:
        """Open the connection, or wait for it; the opening itself is never cancelled.

        Raises:
          WSSMediaError: it could not be opened, or the claim was in question for too long.
          WSSCallClosedError: the call is over, or its scope is not open.

        Cancellation: a connection that is being opened goes on being opened.
        """
        self.is_wanted = True
        patience = CONNECT_SECONDS
        try_until = trio.current_time() + CONNECT_SECONDS
        for opening in count(1):
            if not self.is_opening_or_open:
                patience = await self._wait_for_claim(patience)
            media = self._start()
            give_up_at = trio.current_time() + CONNECT_SECONDS
            try:
                await media.wait_open()
            except WSSMediaError:
                self._require_hope()
                if self._claim.is_followed:
                    makes_sense = await self._has_news(media, give_up_at)
                else:
                    makes_sense = await self._may_have_passed(media, opening, try_until)
                if not makes_sense or opening == MAX_OPENINGS:
                    raise
                logger.debug("a media connection could not be opened, and is tried again")
            else:
                return

    async def wait_opened(self) -> None:
        """Wait for the end of an opening that is under way, if one is, whatever it comes to.

        Cancellation: the connection goes on being opened.
        """
        if self._media is not None:
            with suppress(WSSMediaError):
                await self._media.wait_open()

    def stop(self, deadline: float) -> None:
        """Close the connection, and drop it at `deadline` (in Trio's time) if that takes longer."""
        if self._media is not None:
            self._media.stop(deadline)

    def _start(self) -> MediaConnection:
        """Return the connection that is open or being opened; if there is none, begin."""
        if self._nursery is None or self._make is None:
            raise WSSCallClosedError("the call's scope is not open")
        if self._media is None or self._media.has_failed:
            self._media = self._make()
            self._nursery.start_soon(
                self._run,
                self._media,
                self._claim.try_address(),
                name="trio_calls: media connection",
            )
        return self._media

    async def _run(self, media: MediaConnection, address: RingingCall) -> None:
        gatekeeper = self._claim.gatekeeper
        await media.run(address, self._config, self._tls.context(), gatekeeper)
        if media.has_failed:
            self._on_failure(media)

    async def _wait_for_claim(self, patience: float) -> float:
        """Wait while the claim is in question, for so many seconds. Return how many are left."""
        began = trio.current_time()
        with trio.move_on_after(patience):
            await self._claim.wait_settled()
        self._require_hope()
        if self._claim.state is ClaimState.IN_QUESTION:
            raise WSSMediaError(
                "the media connection could not be opened: the exchange may have taken the call "
                f"back, and it could not be claimed again within {CONNECT_SECONDS:g} s"
            )
        return patience - (trio.current_time() - began)

    def _require_hope(self) -> None:
        if self._claim.state is ClaimState.GONE:
            raise WSSCallClosedError("the call was over before its media connection was open")

    async def _has_news(self, failed: MediaConnection, give_up_at: float) -> bool:
        """Return whether it makes sense to try again: since an opening began, or in a moment."""
        if not self._is_outdated(failed):
            seconds = NEWS_SECONDS if failed.was_refused else RESTART_NEWS_SECONDS
            with trio.move_on_at(min(trio.current_time() + seconds, give_up_at)):
                await self._claim.wait_news()
        return self._is_outdated(failed)

    async def _may_have_passed(
        self, failed: MediaConnection, opening: int, try_until: float
    ) -> bool:
        """Return, after a pause, whether there is time to try again, or a reason to."""
        pause = TRY_AGAIN_SECONDS * 2 ** (opening - 1)
        is_in_time = trio.current_time() + pause <= try_until
        if self._is_outdated(failed) or not (failed.may_pass and is_in_time):
            return self._is_outdated(failed)
        with trio.move_on_after(pause):
            # It may be offered again, all the same.
            await self._claim.wait_news()
        return True

    def _is_outdated(self, failed: MediaConnection) -> bool:
        # Another command may have begun to try again.
        return not self._claim.is_tried or self._media is not failed


def _nobody_asks(failed: MediaConnection) -> None:
    """Do nothing."""
