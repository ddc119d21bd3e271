"""A call's scope: everything that runs for one call, and how it ends.

::

    run_call
    ├── media connection         shielded: ends when the call was left, or the grace is over
    │   ├── reader
    │   ├── writer
    │   └── heartbeat
    └── application              cancelled with the client, or some time after the call's end
        ├── the handler of INCOMING_CALL
        └── the handlers of the call's events
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable

import trio

from trio_calls.call.active_call import ActiveCall
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSError
from trio_calls.state import CallState

logger = logging.getLogger("trio_calls.call_scope")

CallHandler = Callable[[ActiveCall], object]


async def run_call(
    call: ActiveCall, handler: CallHandler, config: ClientConfig, draining: trio.Event
) -> None:
    """Run a call's handler, and see to it that the call is left when it is done.

    Args:
      call: not begun yet.
      handler: of the application.
      config: the bounds within which to serve it.
      draining: set when an agent without a handler is not to stay in a conference any longer.

    Raises:
      Exception: what the handler raised, with `ClientConfig.crash_on_handler_error` only.

    Cancellation: cancels the handler, leaves the call within `ClientConfig.close_grace_seconds`,
    and returns when nothing of the call runs any more.
    """
    try:
        async with trio.open_nursery() as media_nursery:
            call._core.start(media_nursery)
            try:
                await _run_application(call, handler, config, draining)
            finally:
                deadline = trio.current_time() + config.close_grace_seconds
                with trio.CancelScope(shield=True, deadline=deadline):
                    await _leave(call, flush=False)
                call._core.stop(deadline)
    finally:
        call._core.media.end()


async def _run_application(
    call: ActiveCall, handler: CallHandler, config: ClientConfig, draining: trio.Event
) -> None:
    with call._core.application_scope as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call._core.handlers.run)
            try:
                try:
                    await call_handler(handler, call)
                except Exception as error:
                    if not _is_hangup(call, error):
                        if config.crash_on_handler_error:
                            raise
                        logger.exception(
                            "call %s: its handler failed; the agent leaves", call.call_id
                        )
                        await _leave(call)
                await _after_handler(call, draining)
            finally:
                call._core.handlers.close()
    if scope.cancelled_caught:
        logger.warning(
            "call %s: its handler was cancelled %g s after the call had ended; "
            "see ClientConfig.after_call_seconds",
            call.call_id,
            config.after_call_seconds,
        )


def call_handler(handler: CallHandler, call: ActiveCall) -> Awaitable[object]:
    """Call a handler. Returns what is to be awaited, be the handler asynchronous or not."""
    result = handler(call)
    return result if inspect.isawaitable(result) else _do_nothing()


async def _do_nothing() -> None:
    pass


def _is_hangup(call: ActiveCall, error: Exception) -> bool:
    """Tell whether a handler has only failed because its call was over."""
    is_hangup = call.state is CallState.DISCONNECTED and _is_only_ours(error)
    if is_hangup:
        logger.debug("call %s: the hangup ended its handler: %s", call.call_id, error)
    return is_hangup


def _is_only_ours(error: BaseException) -> bool:
    """Tell whether an error, or all of a group, is what our own calls raise after a hangup."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_only_ours(inner) for inner in error.exceptions)
    return isinstance(error, WSSError)


async def _after_handler(call: ActiveCall, draining: trio.Event) -> None:
    """The handler has returned: what becomes of the call depends on where it stands."""
    match call.state:
        case CallState.PENDING:
            logger.warning(
                "call %s: its handler returned without answering or connecting; the caller goes "
                "on ringing. Use disconnect() to decline a call.",
                call.call_id,
            )
            call._core.let_go()
        case CallState.ANSWERED:
            await _leave(call)
        case CallState.CONNECTED:
            with call.cancel_on_hangup():
                await draining.wait()
            await _leave(call)
        case CallState.DISCONNECTED:
            pass


async def _leave(call: ActiveCall, *, flush: bool = True) -> None:
    """Close the call; that it fails is only worth a line in the log."""
    try:
        await call.close(flush=flush)
    except WSSError as error:
        logger.warning("call %s: closing it failed: %s", call.call_id, error)
