"""Asks the application what it wants of the exchange's offers, of whatever channel.

Asking never waits, and never fails: what an application's function does wrong is logged, and the
offer is claimed as it would be without it. Whoever rings or writes must not pay for that.
"""

from __future__ import annotations

import contextvars
import inspect

from trio_calls._logging import get_logger
from trio_calls.concurrency.error_groups import split_failure
from trio_calls.offer import Claims, Offer, OfferDecision, why_no_claims
from trio_calls.wire.control_wire import Offered

logger = get_logger("trio_calls.offers")


class OfferJudge:
    """Holds the function that decides about offers, if the application has one.

    Args:
      claims: that function; None to claim everything.
    """

    def __init__(self, claims: Claims | None = None) -> None:
        self._claims = claims
        # Of the block that the client is opened in: no call's variables are seen here.
        self._context = contextvars.copy_context()

    @property
    def is_asked(self) -> bool:
        """Whether the application decides, perhaps about offers that nobody else here knows."""
        return self._claims is not None

    def ask(self, claims: Claims) -> None:
        """Have this function decide from now on.

        Raises:
          ValueError: another one does already.
          TypeError: it cannot be called, or is asynchronous.
        """
        if self._claims is not None:
            raise ValueError("offers have a handler already, or ClientConfig.claims")
        refusal = why_no_claims(claims)
        if refusal is not None:
            raise TypeError(f"a handler of offers {refusal}")
        self._claims = claims

    def judge(self, offer: Offered) -> OfferDecision:
        """Return what becomes of an offer. Raises nothing but what ends the program."""
        if self._claims is None:
            return OfferDecision.CLAIM
        try:
            return _checked(self._context.copy().run(self._claims, _shown(offer)))
        except BaseException as error:
            failure, goes_on = split_failure(error)
            if failure is not None:
                logger.error(
                    "the handler of offers failed: the session is claimed, as it is without one",
                    exc_info=failure,
                )
            if goes_on is not None:
                raise goes_on from None
        return OfferDecision.CLAIM


def _shown(offer: Offered) -> Offer:
    return Offer(
        session_id=offer.session_id,
        channel=offer.channel,
        remote_address=offer.remote_address,
        local_address=offer.local_address,
        activity=offer.activity,
        created_at=offer.created_at,
    )


def _checked(decision: object) -> OfferDecision:
    if isinstance(decision, OfferDecision):
        return decision
    if inspect.iscoroutine(decision):
        # Or Python would warn as well that it never ran.
        decision.close()
    raise TypeError(f"a handler of offers must return an OfferDecision, not {decision!r}")
