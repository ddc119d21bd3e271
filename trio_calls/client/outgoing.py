"""Calls that the application has started: claimed by name, and served in the block that opens them.

::

    open_call ──► _serve, in the client's nursery
        │             ├── claims the session, and waits for its call
        │             └── the call's scope, whose handler is `_Block.hold`
        └── the application's block

The block is what a handler is to other calls, and runs in the task that opens it. Either ends the
other: `hold` returns when the block is left, and the block is cancelled when `hold` is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import attrs
import trio

from trio_calls.call.active_call import ActiveCall
from trio_calls.client.incoming import IncomingCalls
from trio_calls.client.offers import Session
from trio_calls.client.reception import Reception
from trio_calls.client.session_errors import refusal_of
from trio_calls.errors import WSSConnectionError, WSSError, WSSSessionClosedError, WSSSessionError
from trio_calls.state import CallState
from trio_calls.wire.names import WHATSAPP

#: How long the call of a session that was started may take to come, if nobody says another time: as
#: long as a telephone rings.
CALL_IN_SECONDS: Final = 120.0


class _Block:
    """The application's block.

    Attributes:
      scope: it runs in this.
      left: set when it was left in good order.
    """

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.left = trio.Event()

    async def hold(self, call: ActiveCall, task_status: trio.TaskStatus[ActiveCall]) -> None:
        """Hand a call over to the block, and return when that is left."""
        task_status.started(call)
        try:
            await self.left.wait()
        finally:
            self.scope.cancel()
        await _decline(call)


@asynccontextmanager
async def open_call(
    reception: Reception,
    session_id: str,
    close_grace_seconds: float,
    ring_time_seconds: float | None,
) -> AsyncIterator[ActiveCall]:
    """Claim a session that was started, and serve its call. See `CallClient.open_call`."""
    incoming = reception.calls
    if incoming.draining.is_set():
        raise WSSSessionError(
            "it is too late: this client takes no new calls any more", session_id=session_id
        )
    if reception.conversations.has(session_id):
        raise _no_call(session_id)
    connection_id = incoming.control.connection_id
    session = incoming.offers.begin(session_id, connection_id, trio.current_time())
    block = _Block()
    call: ActiveCall = await incoming.nursery.start(
        _serve, reception, session, block, ring_time_seconds
    )
    try:
        with block.scope:
            yield call
        block.left.set()
        await session.finished.wait()
    finally:
        with trio.CancelScope(shield=True):
            if not session.finished.is_set():
                with trio.move_on_after(close_grace_seconds):
                    await _decline(call)
                # From here on the scope of the call limits how long it takes.
                session.scope.cancel()
                await session.finished.wait()


async def _serve(
    reception: Reception,
    session: Session,
    block: _Block,
    ring_time_seconds: float | None,
    *,
    task_status: trio.TaskStatus[ActiveCall],
) -> None:
    """Claim a session, and run its call's scope, from here to its end."""
    incoming = reception.calls
    try:
        with session.scope:
            wait_seconds = ring_time_seconds or CALL_IN_SECONDS
            await _claim(reception, session, wait_seconds)
            if session.call_in is not None and ring_time_seconds is not None:
                session.call_in = attrs.evolve(session.call_in, ring_time_seconds=ring_time_seconds)
            call = incoming.open_call(session)
            if call is None:
                raise _why_none(incoming, session, wait_seconds)
            await call.run(lambda call: block.hold(call, task_status), incoming.draining)
        if session.scope.cancelled_caught and session.call is None:
            raise WSSSessionError(
                "the time to drain was over before the call came", session_id=session.session_id
            )
    finally:
        incoming.offers.finish(session)
        if session.call is not None:
            incoming.observers.call_closed(session.call.active_call)
        if trio.current_effective_deadline() > trio.current_time():
            # It has taken up room, too.
            incoming.look_again()


async def _claim(reception: Reception, session: Session, wait_seconds: float) -> None:
    """Open a session, and wait for its call, for so long."""
    control = reception.control
    await trio.lowlevel.checkpoint_if_cancelled()
    response = await control.wire.claim(control, session.session_id)
    if not control.is_granted(response):
        raise refusal_of("to open the session", response, control.quote, session.session_id)
    if response.session_channel == WHATSAPP:
        # It is this client's now, and so is what is written there.
        reception.conversations.keep(session.session_id)
        raise _no_call(session.session_id)
    with trio.move_on_after(wait_seconds):
        await session.call_arrived.wait()


def _no_call(session_id: str) -> WSSSessionError:
    return WSSSessionError(
        "nobody is called in this session: it is for open_conversation()", session_id=session_id
    )


def _why_none(incoming: IncomingCalls, session: Session, wait_seconds: float) -> WSSError:
    if not incoming.control.is_present(session.connection_id):
        return WSSConnectionError("the connection to the exchange was lost before the call came")
    if session.call_arrived.is_set():
        return WSSSessionClosedError(
            "the call was over before it came: nobody has answered it",
            session_id=session.session_id,
        )
    return WSSSessionError(
        f"the call did not come within {wait_seconds:g} s", session_id=session.session_id
    )


async def _decline(call: ActiveCall) -> None:
    """Let nobody ring on, or wait in vain, for an application that is done with them."""
    if call.state is CallState.PENDING:
        with suppress(WSSError):
            await call.disconnect(flush=False)
