"""The calls that a handler has, and the wait for their end."""

from __future__ import annotations

import logging

import trio

from trio_calls.call import ActiveCall
from trio_calls.call_scope import CallHandler, call_handler
from trio_calls.cli.call_watch import printable
from trio_calls.client import CallClient
from trio_calls.state import CallState

logger = logging.getLogger(__name__)


class CallsInProgress:
    """Passes calls on to a handler, and knows which of them are not over yet.

    Args:
      handler: what serves them.
    """

    def __init__(self, handler: CallHandler) -> None:
        self._handler = handler
        self._calls: set[ActiveCall] = set()
        self._all_over = trio.Event()
        self._is_draining = False

    def __len__(self) -> int:
        return len(self._calls)

    async def handle(self, call: ActiveCall) -> None:
        """Serve one call. A call lasts until its handler has returned, and the agent has left."""
        began = trio.current_time()
        self._calls.add(call)
        caller, callee = printable(call.caller_number), printable(call.callee_number)
        logger.info("call from %s to %s", caller, callee)
        try:
            await call_handler(self._handler, call)
            await _wait_left(call)
        finally:
            seconds = trio.current_time() - began
            logger.info("call from %s to %s: over after %.1f s", caller, callee, seconds)
            self._calls.discard(call)
            self._tell_if_all_over()

    async def drain(self, client: CallClient) -> None:
        """Take no new calls, and wait until those in progress are over."""
        # There is no public way to this yet. Offers are then left to other workers; a call that is
        # being claimed at this moment is served, or offered again when this process is gone.
        client._is_leaving = True
        self._is_draining = True
        self._tell_if_all_over()
        await self._all_over.wait()

    def _tell_if_all_over(self) -> None:
        if self._is_draining and not self._calls:
            self._all_over.set()


async def _wait_left(call: ActiveCall) -> None:
    """Do now what the SDK does when a handler has returned, so that a call counts until then."""
    if call.state is CallState.ANSWERED:
        await call.close()
    elif call.state is CallState.CONNECTED:
        await call.wait_disconnected()
