"""What the exchange is to offer to a client."""

from __future__ import annotations

import enum
from typing import Any, Final

import trio

from trio_calls._logging import get_logger
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.session_errors import refusal_of
from trio_calls.wire.responses import Response

logger = get_logger("trio_calls.call_flow")

_WHAT: Final = "to set the call flow"


class InboundCalls(enum.Enum):
    """Which incoming calls a client is offered."""

    ALL = "all"
    """All of them."""

    MISSED_ONLY = "missed_only"
    """Those that nobody else has picked up."""

    NONE = "none"
    """None."""


_ON_THE_WIRE: Final = {
    InboundCalls.ALL: "ALL",
    InboundCalls.MISSED_ONLY: "MISSED_ONLY",
    InboundCalls.NONE: "NO",
}


class CallFlow:
    """Says what is to be offered, and says it again on each new connection.

    Args:
      control: where it is said.
    """

    def __init__(self, control: ControlConnection) -> None:
        self._control = control
        self._accepted: dict[str, Any] | None = None
        # Of what was said: how often so far, and which of it was accepted.
        self._said = 0
        self._accepted_as = 0

    async def set(
        self,
        *,
        inbound_calls: InboundCalls | str,
        outbound_calls: bool,
        inbound_messages: bool,
        outbound_messages: bool,
    ) -> None:
        """Say it, and remember it. See `CallClient.set_call_flow`."""
        switches = {
            "outbound_calls": outbound_calls,
            "inbound_messages": inbound_messages,
            "outbound_messages": outbound_messages,
        }
        for name, value in switches.items():
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be True or False, not {value!r}")
        what = {"inbound_calls": _on_the_wire(inbound_calls), **switches}
        await trio.lowlevel.checkpoint_if_cancelled()
        self._said += 1
        said_as = self._said
        response = await self._control.request(
            lambda request_id: self._control.wire.call_flow(request_id, **what)
        )
        if not response.is_ok:
            raise refusal_of(_WHAT, response, self._control.quote)
        # Answers may overtake each other. What was said last holds.
        if said_as > self._accepted_as:
            self._accepted, self._accepted_as = what, said_as

    def repeat(self) -> None:
        """Say it again, if it was said: there is a new connection, and nothing is claimed there."""
        what = self._accepted
        if what is not None:
            self._control.request_nowait(
                lambda request_id: self._control.wire.call_flow(request_id, **what), self._repeated
            )

    def _repeated(self, response: Response) -> None:
        if not response.is_ok:
            logger.warning(
                "after the reconnect, %s", refusal_of(_WHAT, response, self._control.quote)
            )


def _on_the_wire(inbound_calls: InboundCalls | str) -> str:
    try:
        return _ON_THE_WIRE[InboundCalls(inbound_calls)]
    except ValueError:
        known = ", ".join(repr(kind.value) for kind in InboundCalls)
        raise ValueError(f"inbound_calls must be one of {known}, not {inbound_calls!r}") from None
