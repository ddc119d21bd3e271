"""What the exchange offers, and what an application may say to it before it is claimed."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import attrs

from trio_calls.state import IdentityEnum


class OfferDecision(IdentityEnum):
    """What becomes of an offer."""

    CLAIM = "CLAIM"
    """It is claimed at once. Whoever claims it first has it."""

    LEAVE = "LEAVE"
    """It is left to other workers, and not asked about again, unless it is offered anew."""

    LATER = "LATER"
    """It stays on offer, also to other workers, and is asked about again every second, for two
    minutes at the most; a call also whenever another of this client was answered or has ended. On
    the second wire a call is put off for 10 s at the most: others are told of it then."""


@attrs.frozen
class Offer:
    """A session that belongs to whoever claims it first: a ringing call, or written messages.

    Attributes:
      session_id: the exchange's name for it.
      channel: ``TELCO`` for a call, ``WA`` for WhatsApp.
      remote_address: who calls or writes; empty if the exchange does not say.
      local_address: who is called, or written to; empty if the exchange does not say.
      activity: why it is offered, in the exchange's words: ``NEW_INCOMING_CALL``,
        ``NEW_INCOMING_MESSAGE``, ``RESUME`` for something that goes on, or whatever is newer.
      created_at: when the exchange made the offer, in seconds since 1970; 0 if it does not say.
    """

    session_id: str
    channel: str
    # Wherever an offer is shown, telephone numbers are not.
    remote_address: str = attrs.field(repr=False)
    local_address: str = attrs.field(repr=False)
    activity: str
    created_at: float


#: Looks at an offer, and decides. A plain function: whoever waits between an offer and its claim
#: leaves it to other workers.
Claims = Callable[[Offer], OfferDecision]


def why_no_claims(function: object) -> str | None:
    """Return why something cannot decide about offers, in words for an error; None if it can."""
    if not callable(function):
        # Never what it is: it may be a secret in the wrong place.
        return f"must be a plain function, not {type(function).__name__}"
    # An object with __call__ is as good as a function.
    for called in (function, type(function).__call__):
        if (
            inspect.iscoroutinefunction(called)
            or inspect.isasyncgenfunction(called)
            or inspect.isgeneratorfunction(called)
        ):
            return "must be a plain function: nothing may wait between an offer and its claim"
    return None
