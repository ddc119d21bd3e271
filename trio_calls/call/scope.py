"""A call's scope: everything that runs for one call, and how it ends.

::

    CallScope.run
    ├── media connection         shielded: ends when the call was left, or the grace is over
    │   ├── reader
    │   ├── writer
    │   └── keepalive
    └── application              cancelled with the client, or some time after the call's end
        ├── the handler of INCOMING_CALL
        └── the handlers of the call's events
"""

from __future__ import annotations

import inspect
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import assert_never

import trio

from trio_calls.call.active_call import ActiveCall
from trio_calls.call.core import CallCore
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSError
from trio_calls.state import CallState
from trio_calls.wire.control import CallIn

logger = logging.getLogger("trio_calls.call_scope")

CallHandler = Callable[[ActiveCall], object]


class CallScope:
    """One call, and the nursery that everything runs in that runs for it.

    Attributes:
      core: the call's machinery.
      active_call: its face, which the application gets.
    """

    def __init__(
        self, call_in: CallIn, config: ClientConfig, ssl_context: ssl.SSLContext | None
    ) -> None:
        self.core: CallCore = CallCore(call_in, config, ssl_context)
        self.active_call: ActiveCall = ActiveCall(self.core)
        self._config = config

    @property
    def is_over(self) -> bool:
        """Whether the call is over for the agent, though its handler may still have work to do."""
        return self.core.protocol.state is CallState.DISCONNECTED

    async def run(self, handler: CallHandler, draining: trio.Event) -> None:
        """Run a call's handler, and leave the call when it is done.

        Args:
          handler: of the application.
          draining: set when an agent without a handler is not to stay in a conference any longer.

        Raises:
          Exception: what the handler raised, with `ClientConfig.crash_on_handler_error` only.

        Cancellation: cancels the handler, leaves the call within
        `ClientConfig.close_grace_seconds`, and returns when nothing of the call runs any more.
        """
        try:
            async with trio.open_nursery() as media_nursery:
                self.core.start(media_nursery)
                try:
                    await self._run_application(handler, draining)
                finally:
                    deadline = trio.current_time() + self._config.close_grace_seconds
                    with trio.CancelScope(shield=True, deadline=deadline):
                        await self._leave(flush=False)
                    self.core.ending.release(deadline)
        finally:
            self.core.media.forget()

    async def _run_application(self, handler: CallHandler, draining: trio.Event) -> None:
        call = self.active_call
        with self.core.ending.application_scope as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.core.handlers.run)
                try:
                    try:
                        await call_handler(handler, call)
                    except Exception as error:
                        if not self._is_hangup(error):
                            if self._config.crash_on_handler_error:
                                raise
                            logger.exception(
                                "call %s: its handler failed; the agent leaves", call.call_id
                            )
                            await self._leave()
                    await self._after_handler(draining)
                finally:
                    self.core.handlers.close()
        if scope.cancelled_caught:
            logger.warning(
                "call %s: its handler was cancelled %g s after the call had ended; "
                "see ClientConfig.after_call_seconds",
                call.call_id,
                self._config.after_call_seconds,
            )

    def _is_hangup(self, error: Exception) -> bool:
        """Return whether a handler has only failed because its call was over."""
        is_hangup = self.is_over and _is_only_ours(error)
        if is_hangup:
            call_id = self.active_call.call_id
            logger.debug("call %s: the hangup ended its handler: %s", call_id, error)
        return is_hangup

    async def _after_handler(self, draining: trio.Event) -> None:
        """Do with a call what its state demands when its handler has returned."""
        call = self.active_call
        match call.state:
            case CallState.PENDING:
                logger.warning(
                    "call %s: its handler returned without answering or connecting; the caller "
                    "goes on ringing. Use disconnect() to decline a call.",
                    call.call_id,
                )
                self.core.ending.release()
            case CallState.ANSWERED:
                await self._leave()
            case CallState.CONNECTED:
                with call.cancel_on_hangup():
                    await draining.wait()
                await self._leave()
            case CallState.DISCONNECTED:
                pass
            case _:
                assert_never(call.state)

    async def _leave(self, *, flush: bool = True) -> None:
        """Close the call, and only log a failure."""
        try:
            await self.active_call.close(flush=flush)
        except WSSError as error:
            call_id = self.active_call.call_id
            logger.warning("call %s: closing it failed: %s", call_id, error)


def call_handler(handler: CallHandler, call: ActiveCall) -> Awaitable[object]:
    """Call a plain or asynchronous handler, and return an awaitable for its end."""
    result = handler(call)
    return result if inspect.isawaitable(result) else _do_nothing()


async def _do_nothing() -> None:
    pass


def _is_only_ours(error: BaseException) -> bool:
    """Return whether an error, or all of a group, is what our own calls raise after a hangup."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_only_ours(inner) for inner in error.exceptions)
    return isinstance(error, WSSError)
