"""What the exchange says over HTTP: which sessions there are, and that one was closed."""

from __future__ import annotations

from typing import Any, Final

import attrs

from trio_calls.wire.message import forgiven_text, text, wire

#: Where the exchange lists its sessions.
SESSIONS_PATH: Final = "/public/v1/sessions"

#: The states of a listed session.
OPEN: Final = "OPEN"
CLOSED: Final = "CLOSED"

#: Who began a session: an application, or somebody who has called or written to its connector.
BEGUN_BY_SDK: Final = "SDK"
BEGUN_BY_CONNECTOR: Final = "CONNECTOR"


#: Of a telephone number: a SIP address has room for much.
_MAX_ADDRESS_LENGTH: Final = 4096


def _address(name: str) -> Any:
    validator: Any = attrs.validators.max_len(_MAX_ADDRESS_LENGTH)
    return wire(name, default="", validator=validator, repr=False)


@attrs.frozen
class SessionInfo:
    """A session, as the exchange lists it. What it did not say is empty.

    Attributes:
      session_id: the exchange's name for it.
      channel: ``TELCO`` for a call, ``WA`` for WhatsApp.
      initiator: who began it: ``SDK`` for an application, ``CONNECTOR`` for the other side.
      state: ``OPEN`` or ``CLOSED``.
      remote_address: the telephone number of the other side.
      local_address: the connector's own.
      opened_at: when it was opened, in seconds since 1970; None if the exchange did not say.
      closed_at: when it was closed, in seconds since 1970; None while it is open.
    """

    session_id: str = text("id", default="")
    channel: str = text("channel", default="")
    initiator: str = text("initiator", default="")
    state: str = text("state", default="")
    remote_address: str = _address("remoteAddress")
    local_address: str = _address("localAddress")
    opened_at: float | None = wire("openedAt", default=None)
    closed_at: float | None = wire("closedAt", default=None)


@attrs.frozen
class SessionClosure:
    """When and why a session was closed.

    Attributes:
      closed_at: in seconds since 1970; None if it was closed before, and the exchange knows no
        more of it.
      reason: ``SDK_REQUEST``, ``FORCE_CLOSE``, ``CALL_TERMINATED``, or whatever is newer; empty if
        it was closed before.
    """

    closed_at: float | None = wire("closedAt")
    reason: str = text("reason")


@attrs.frozen
class HttpRefusal:
    """Why the exchange refuses a request, in its words."""

    code: str = text("code")
    message: str | None = forgiven_text("message", default=None)
