"""What the commands that serve calls log of each: who calls whom, and how long it was."""

from __future__ import annotations

import logging
from functools import wraps

import trio

from trio_calls import events
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.scope import CallHandler, call_handler
from trio_calls.cli.call_watch import printable

logger = logging.getLogger(__name__)


def logging_calls(handler: CallHandler) -> CallHandler:
    """Return a handler that does the same, and logs each call's beginning and end at INFO."""

    @wraps(handler)
    async def handle(call: ActiveCall) -> None:
        began = trio.current_time()
        parties = f"{printable(call.caller_number)} to {printable(call.callee_number)}"
        logger.info("call from %s", parties)

        @call.on(events.CALL_TERMINATED)
        def tell_end() -> None:
            logger.info("call from %s: over after %.1f s", parties, trio.current_time() - began)

        await call_handler(handler, call)

    return handle
