"""What becomes of a caller whose handler has failed before it has answered.

Nobody else can take the call while this process holds it, so it must not just go on ringing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, assert_never

import trio

from trio_calls._logging import get_logger
from trio_calls.call.core import CallCore
from trio_calls.config import OnHandlerFailure
from trio_calls.endings import EndCause
from trio_calls.errors import (
    WSSCallClosedError,
    WSSCallCommandError,
    WSSCallStateError,
    WSSError,
    WSSMediaError,
)
from trio_calls.state import CallState, Command

logger = get_logger("trio_calls.giving_up")

#: How long a call that cannot be declined, or connected, is tried again.
GIVING_UP_SECONDS: Final = 30.0
#: The pause before the first new attempt. Each further one is twice as long.
_FIRST_PAUSE_SECONDS: Final = 0.5


async def give_up_ringing(core: CallCore, how: OnHandlerFailure) -> None:
    """Do with a ringing call what `ClientConfig.on_handler_failure` says, and only log a failure.

    Cancellation: the call may ring on.
    """
    call_id = core.call_in.call_id
    try:
        match how:
            case "decline":
                await _decline(core)
            case "connect":
                await _connect_and_leave(core)
            case "ring":
                core.ending.release(because=EndCause.FAILED, for_others=True)
            case _:
                assert_never(how)
    except WSSCallClosedError as error:
        logger.debug("call %s: it was over before it was given up: %s", call_id, error)
    except WSSError as error:
        logger.error(
            "call %s: it could not be given up, and its caller may ring on: %s", call_id, error
        )


async def _decline(core: CallCore) -> None:
    await _try_for_a_while(
        lambda: core.ending.leave(Command.DISCONNECT, flush=False, because=EndCause.FAILED)
    )


async def _connect_and_leave(core: CallCore) -> None:
    """Put the caller through to the callee, as if there were no agent; if that fails, decline."""
    try:
        await _try_for_a_while(lambda: core.commands.run(Command.CONNECT, ring_time_seconds=60))
    except WSSCallCommandError as error:
        logger.warning(
            "call %s: its callee could not be reached, so it is declined: %s",
            core.call_in.call_id,
            error,
        )
        await _decline(core)
        return
    except WSSCallStateError:
        # The handler's own connect(), which has lost its waiter, may have got there first.
        if core.protocol.state is not CallState.CONNECTED:
            raise
    await core.ending.leave(Command.CLOSE, flush=False, because=EndCause.FAILED)


async def _try_for_a_while(attempt: Callable[[], Awaitable[object]]) -> None:
    """Try again for `GIVING_UP_SECONDS` where the media connection cannot be opened."""
    give_up_at = trio.current_time() + GIVING_UP_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            await attempt()
            return
        except WSSMediaError as error:
            if isinstance(error, WSSCallClosedError) or trio.current_time() + pause > give_up_at:
                raise
        await trio.sleep(pause)
        pause *= 2
