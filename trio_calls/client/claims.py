"""Claiming a session that the exchange has offered.

The wire has no word for giving a claimed session back. So an answer that is late still counts: who
gave it up would not know that the call is theirs, and nobody else could have it. Only the end of
the control connection takes a session back, and that is what an answer that does not come leads
to.
"""

from __future__ import annotations

import logging
from typing import Final

import trio

from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.offers import Session
from trio_calls.errors import WSSConnectionError
from trio_calls.wire.control import (
    SESSION_BUSY,
    SESSION_CLOSED,
    SESSION_NOT_FOUND,
    Response,
    SessionOpen,
    SessionReady,
)

logger = logging.getLogger("trio_calls.claims")

#: What a claim comes to when all is well but somebody else has the call, or the caller gave up.
_GONE: Final = frozenset({SESSION_BUSY, SESSION_CLOSED, SESSION_NOT_FOUND})


async def claim(control: ControlConnection, session: Session) -> Response | None:
    """Open a session, and ask for its call.

    Returns:
      The exchange's answer, or None if there was none, or no connection any more.

    Cancellation: the exchange may have given the session to us; it takes it back when the control
    connection ends.
    """
    await trio.lowlevel.checkpoint_if_cancelled()
    try:
        response = await control.request(
            lambda request_id: SessionOpen(request_id, session.session_id)
        )
        if response.is_ok:
            control.send(SessionReady(session.session_id))
            return response
    except WSSConnectionError as error:
        logger.debug("a claim came to nothing: %s", error)
        return None
    level = logging.DEBUG if response.error_code in _GONE else logging.WARNING
    logger.log(level, "a call could not be claimed: %r", response.error_code)
    return response


async def claim_again(
    control: ControlConnection, session: Session, old_connection_id: str | None
) -> None:
    """Claim a ringing call again after a loss of the control connection, or end it.

    When the new connection is lost as well, the next one claims the call once more.
    """
    connection_id = session.connection_id
    response = await claim(control, session)
    if response is None:
        has_hope = connection_id != control.connection_id
    elif old_connection_id is not None and response.holder == old_connection_id:
        # The exchange has not noticed the loss; when it does, it offers the call again.
        session.connection_id = old_connection_id
        has_hope = True
    else:
        has_hope = response.is_ok
    if not has_hope and session.call is not None:
        session.call.core.ending.session_closed()
