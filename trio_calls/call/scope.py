"""A call's scope: everything that runs for one call, and how it ends.

::

    CallScope.run
    ├── media connection         shielded: ends when the call was left, or the grace is over
    │   ├── reader
    │   ├── writer
    │   └── keepalive
    ├── leaving                  waits for the application's end, or for the grace to be over
    ├── handlers of CALL_TERMINATED, once the call has ended
    └── application              cancelled with the client, or some time after the call's end
        ├── the handler of INCOMING_CALL
        └── the handlers of the call's events
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable
from typing import assert_never

import trio

from trio_calls._logging import get_logger
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.core import CallCore
from trio_calls.call.current import current_call_id
from trio_calls.call.event_handlers import LAST_WORD_SECONDS
from trio_calls.call.giving_up import give_up_ringing
from trio_calls.call.handler_check import check_result
from trio_calls.concurrency.error_groups import holds_only, split_failure
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.config import ClientConfig
from trio_calls.endings import EndCause
from trio_calls.errors import WSSCallClosedError, WSSError
from trio_calls.state import CallState, Command
from trio_calls.transport.tls import ClientTLS
from trio_calls.wire.control_wire import RingingCall

logger = get_logger("trio_calls.call_scope")

CallHandler = Callable[[ActiveCall], object]


class CallScope:
    """One call, and the nursery that everything runs in that runs for it.

    Args:
      call_in: what the exchange has told about the call.
      config: of the client.
      tls: of the client.
      is_followed: whether news of its claim come here.

    Attributes:
      core: the call's machinery.
      active_call: its face, which the application gets.
      failed_before_answer: whether the handler has failed, or returned, while the call rang.
    """

    def __init__(
        self,
        call_in: RingingCall,
        config: ClientConfig,
        tls: ClientTLS,
        *,
        is_followed: bool = True,
    ) -> None:
        self.core: CallCore = CallCore(call_in, config, tls, is_followed=is_followed)
        self.active_call: ActiveCall = ActiveCall(self.core)
        self.failed_before_answer: bool = False
        self._config = config
        self._is_application_running = True
        self._application_end = Wakeup()
        # Why the agent leaves, where neither the application nor the exchange has ended the call.
        self._cause_of_end = EndCause.DRAINED

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
          BaseException: what the handler raised, with `ClientConfig.crash_on_handler_error` only;
            always what is meant to end the program, `KeyboardInterrupt` and `SystemExit`.

        Cancellation: cancels the handler. The exchange is told that the agent leaves as soon as
        the handler has ended, and after `ClientConfig.close_grace_seconds` even if it has not.
        Returns when nothing of the call runs any more.
        """
        # All that is started from here inherits it.
        binding = current_call_id.set(self.active_call.call_id)
        try:
            async with trio.open_nursery() as media_nursery:
                self.core.start(media_nursery)
                media_nursery.start_soon(self._leave_in_time, name="trio_calls: leaving")
                try:
                    await self._run_application(handler, draining)
                finally:
                    self._is_application_running = False
                    self._application_end.wake()
        finally:
            current_call_id.reset(binding)
            self.core.media.forget()
            self.core.handlers.forget()

    async def _leave_in_time(self) -> None:
        """Leave when the application's code has ended, or is taking too long after its cancelling.

        What the application has said since then, a goodbye behind a shield, goes out before.
        """
        audio = self.core.protocol.audio
        said = math.inf

        def note_what_was_said() -> None:
            nonlocal said
            said = audio.end_position

        try:
            while self._is_application_running:
                await self._application_end.wait_or_note(note_what_was_said)
        finally:
            deadline = trio.current_time() + self._config.close_grace_seconds
            with trio.CancelScope(shield=True, deadline=deadline):
                while self._is_application_running:
                    await self._application_end.wait()
                has_goodbye = audio.end_position > said
                await self._leave(flush=has_goodbye, because=self._cause_of_end)
            if self._is_application_running:
                # The exchange is told only now.
                deadline += LAST_WORD_SECONDS
            self._end_by(deadline)

    def _end_by(self, deadline: float) -> None:
        """End what has not ended by itself."""
        ending = self.core.ending
        if self.core.media.is_open and not self.is_over:
            ending.leave_now(Command.CLOSE, because=self._cause_of_end)
        ending.release(because=self._cause_of_end, deadline=deadline)

    async def _run_application(self, handler: CallHandler, draining: trio.Event) -> None:
        call = self.active_call
        with self.core.ending.application_scope as scope:
            async with trio.open_nursery() as nursery:
                context = trio.lowlevel.current_task().context
                nursery.start_soon(
                    self.core.handlers.run, context, name="trio_calls: handlers of events"
                )
                try:
                    await call_handler(handler, call)
                except BaseException as error:
                    await self._handler_raised(error)
                else:
                    await self._handler_returned(draining)
                self.core.handlers.finish()
        if scope.cancelled_caught:
            logger.warning(
                "call %s: its handler was cancelled %g s after the call had ended; "
                "see ClientConfig.after_call_seconds",
                call.call_id,
                self._config.after_call_seconds,
            )

    async def _handler_raised(self, error: BaseException) -> None:
        """Leave the call of a handler that has failed, and raise what is not only its own."""
        call_id = self.active_call.call_id
        failure, goes_on = split_failure(error)
        if failure is not None and self.is_over and holds_only(failure, WSSCallClosedError):
            logger.debug("call %s: the hangup ended its handler: %s", call_id, failure)
            failure = None
        if failure is not None and self._config.crash_on_handler_error:
            raise error
        if failure is not None:
            logger.error("call %s: its handler failed", call_id, exc_info=failure)
        if goes_on is not None:
            raise goes_on
        if failure is not None:
            await self._handler_failed()

    async def _handler_returned(self, draining: trio.Event) -> None:
        """Do with a call what its state demands when its handler has returned."""
        call = self.active_call
        if not self.is_over:
            # Who has swallowed its cancellation leaves as all do who are cancelled.
            await trio.lowlevel.checkpoint_if_cancelled()
        match call.state:
            case CallState.PENDING:
                logger.error(
                    "call %s: its handler returned without answering or connecting, which counts "
                    "as failed. Use disconnect() to decline a call, close() to let it ring on.",
                    call.call_id,
                )
                await self._handler_failed()
            case CallState.ANSWERED:
                self._cause_of_end = EndCause.CLOSE
                await self._leave()
            case CallState.CONNECTED:
                with call.cancel_on_hangup():
                    await draining.wait()
                await self._leave(because=EndCause.DRAINED)
            case CallState.DISCONNECTED:
                pass
            case _:
                assert_never(call.state)

    async def _handler_failed(self) -> None:
        """Leave the call of a handler that has failed; what still rings, as the settings say."""
        # Who was cancelled, and could not tidy up, leaves as all do who are cancelled.
        await trio.lowlevel.checkpoint_if_cancelled()
        self._cause_of_end = EndCause.FAILED
        if self.active_call.state is CallState.PENDING:
            self.failed_before_answer = True
            await give_up_ringing(self.core, self._config.on_handler_failure)
        else:
            await self._leave(because=EndCause.FAILED)

    async def _leave(self, *, flush: bool = True, because: EndCause | None = None) -> None:
        """Close the call, and only log a failure."""
        try:
            await self.core.ending.leave(Command.CLOSE, flush=flush, because=because)
        except WSSError as error:
            call_id = self.active_call.call_id
            logger.warning("call %s: closing it failed: %s", call_id, error)


def call_handler(handler: CallHandler, call: ActiveCall) -> Awaitable[object]:
    """Call a plain or asynchronous handler, and return an awaitable for its end."""
    result = handler(call)
    check_result(result)
    return result if inspect.isawaitable(result) else _do_nothing()


async def _do_nothing() -> None:
    pass
