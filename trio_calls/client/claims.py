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

from trio_calls._logging import get_logger
from trio_calls.call.core import CallCore
from trio_calls.client.control_connection import ControlConnection
from trio_calls.client.observers import Loss
from trio_calls.client.offers import Session
from trio_calls.errors import WSSConnectionError
from trio_calls.wire.names import CALL_NOT_FOUND, SESSION_BUSY, SESSION_CLOSED, SESSION_NOT_FOUND
from trio_calls.wire.responses import Response

logger = get_logger("trio_calls.claims")

#: How long a claimed call may take to come. Callers rarely let it ring for longer.
CALL_IN_SECONDS: Final = 60.0

#: How often a ringing call is claimed while the exchange takes it for a lost connection's.
CLAIM_AGAIN_SECONDS: Final = 5.0

#: What a claim comes to when all is well but somebody else has the call, or the caller gave up.
_GONE: Final = {
    SESSION_BUSY: Loss.BUSY,
    SESSION_CLOSED: Loss.HUNG_UP,
    SESSION_NOT_FOUND: Loss.HUNG_UP,
    CALL_NOT_FOUND: Loss.HUNG_UP,
}


async def claim(control: ControlConnection, session: Session) -> Response | None:
    """Open a session, and ask for its call.

    Returns:
      The exchange's answer, or None if there was none, or no connection any more. `is_granted`
      tells what it means.

    Cancellation: the exchange may have given the session to us; it takes it back when the control
    connection ends.
    """
    await trio.lowlevel.checkpoint_if_cancelled()
    try:
        response = await control.wire.claim(control, session.session_id)
        if control.is_granted(response):
            return response
    except WSSConnectionError as error:
        logger.debug("a claim came to nothing: %s", error)
        return None
    error_code = control.quote(response.error_code or "no reason given")
    logger.log(refusal_level(response), "a call could not be claimed: %s", error_code)
    return response


def is_granted(control: ControlConnection, response: Response | None) -> bool:
    """Return whether a session is ours: it was given to us, or we had it already."""
    return response is not None and control.is_granted(response)


def was_taken(control: ControlConnection, response: Response | None) -> bool:
    """Return whether a claim was refused as another worker has the session."""
    return (
        response is not None
        and response.error_code == SESSION_BUSY
        and not control.was_ours(response.holder)
    )


def refusal_level(response: Response) -> int:
    """Return the level at which to log that a claim was refused: it may be nothing unusual."""
    return logging.DEBUG if response.error_code in _GONE else logging.WARNING


def loss_of(response: Response | None) -> Loss:
    """Return why a claim that was not granted has come to nothing."""
    if response is None:
        return Loss.DISCONNECTED
    return _GONE.get(response.error_code or "", Loss.REFUSED)


async def claim_again(control: ControlConnection, session: Session, call: CallCore) -> None:
    """Claim a ringing call again on the present control connection, or end it.

    It is not claimed while it has a media connection, nor while one is being opened. When the
    control connection is lost as well, the next one claims the call.

    Args:
      control: where it is claimed.
      session: the call's.
      call: its claim is in question.

    Cancellation: as `claim`.
    """
    connection_id = control.connection_id
    while True:
        await call.media.wait_opened()
        if not (call.needs_claim and control.is_present(connection_id)):
            return
        response = await claim(control, session)
        if response is None:
            return
        if is_granted(control, response):
            await _wait_for_address(control, call)
            return
        if not control.was_ours(response.holder):
            call.ending.session_closed()
            return
        # The exchange has not noticed the loss of that connection. When it does, it offers the
        # call again. If the caller hangs up before, nobody tells us, as nobody has the call.
        with trio.move_on_after(CLAIM_AGAIN_SECONDS):
            await call.claim.wait_news()


async def _wait_for_address(control: ControlConnection, call: CallCore) -> None:
    connection_id = control.connection_id
    with trio.move_on_after(CALL_IN_SECONDS):
        await call.claim.wait_settled()
    if call.needs_claim and control.is_present(connection_id):
        give_back(control)


def give_back(control: ControlConnection) -> None:
    """Let the exchange take back what it has given us, as the call of a session does not come.

    Until then nobody else can claim it, and it takes up room here.
    """
    control.replace(f"a claimed call did not come for {CALL_IN_SECONDS:g} s")
