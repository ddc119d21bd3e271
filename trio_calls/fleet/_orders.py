"""What a worker is asked to do from elsewhere, and what it answers.

Each order has an id and ends by itself. The worker says at once that it has it, and once more what
came of it. So whoever asks knows whether it was done, cannot be done, or nobody was there.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from trio_calls._quoting import printable
from trio_calls.fleet._json import (
    MAX_TEXT,
    count_of,
    member_of,
    optional_text_of,
    read_object,
    text_of,
    write_object,
)
from trio_calls.state import IdentityEnum

#: The longest recording that may be whispered.
MAX_WHISPER_SECONDS: Final = 60.0

_ORDER_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class OrderKind(IdentityEnum):
    """What a worker is asked to do."""

    CLOSE = "close"
    """Leave a call, as `ActiveCall.close` does."""

    WHISPER = "whisper"
    """Say something to the callee of a conference, whom alone it is for."""

    DRAIN = "drain"
    """Take no more calls, and end when those in progress are over."""


@attrs.frozen(kw_only=True)
class Order:
    """Something that a worker is asked to do.

    Attributes:
      order_id: 32 hexadecimal digits, made up for it.
      kind: what it is.
      expires_ms: when nobody waits for it any more, on the clock of Redis.
      call_id: the call that it is about; None for the whole worker.
    """

    order_id: str
    kind: OrderKind
    expires_ms: int
    call_id: str | None = None

    def encode(self) -> bytes:
        """Return it as JSON."""
        return write_object(
            {
                "order_id": self.order_id,
                "kind": self.kind.name,
                "expires_ms": self.expires_ms,
                "call_id": self.call_id,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Order:
        """Read what `encode` has written.

        Raises:
          ValueError: it is none.
        """
        values = read_object(data)
        order_id = text_of(values, "order_id")
        kind = member_of(values, "kind", OrderKind)
        call_id = optional_text_of(values, "call_id")
        if _ORDER_ID.fullmatch(order_id) is None:
            raise ValueError("order_id is none")
        if (call_id is None) is not (kind is OrderKind.DRAIN):
            raise ValueError("call_id goes with orders about calls")
        return cls(
            order_id=order_id,
            kind=kind,
            expires_ms=count_of(values, "expires_ms"),
            call_id=call_id,
        )


class AnswerKind(IdentityEnum):
    """What a worker says of an order."""

    WORKING = "working"
    """It has the order, and is at it. Another answer follows."""

    DONE = "done"
    """It is done."""

    NO_CALL = "no call"
    """It has no such call."""

    FAILED = "failed"
    """It could not be done; ``detail`` says why."""


@attrs.frozen(kw_only=True)
class Answer:
    """What a worker says of an order.

    Attributes:
      kind: what it is.
      detail: why it could not be done; empty otherwise.
      calls: how many calls are in progress, where that is of interest.
    """

    kind: AnswerKind
    detail: str = ""
    calls: int = 0

    def encode(self) -> bytes:
        """Return it as JSON. A long detail is cut off."""
        return write_object(
            {
                "kind": self.kind.name,
                "detail": printable(self.detail, MAX_TEXT) or None,
                "calls": self.calls,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Answer:
        """Read what `encode` has written.

        Raises:
          ValueError: it is none.
        """
        values = read_object(data)
        return cls(
            kind=member_of(values, "kind", AnswerKind),
            detail=printable(optional_text_of(values, "detail") or ""),
            calls=count_of(values, "calls"),
        )
