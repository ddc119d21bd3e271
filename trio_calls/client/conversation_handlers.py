"""Calling the handler of incoming messages, each time in a scope of its own."""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Callable
from functools import partial

import trio

from trio_calls._logging import get_logger
from trio_calls.call.handler_check import check_result
from trio_calls.client.conversation import Conversation
from trio_calls.client.message_session import MessageSession
from trio_calls.client.task_names import task_name
from trio_calls.concurrency.error_groups import holds_only, split_failure
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.errors import WSSSessionClosedError

logger = get_logger("trio_calls.conversation_handlers")

ConversationHandler = Callable[[Conversation], object]


class ConversationHandlers:
    """Runs the application's handler for one session after the other, and for many at once.

    Args:
      crashes: whether what a handler raises ends the client, rather than being logged.
      quote: makes names of the exchange fit for a log.
      on_done: called with a session whose handler is done, and whether it has read anything.

    Attributes:
      handler: of the application, once it is registered.
      is_stopped: whether no session gets a handler any more.
    """

    # Holds the handlers' scopes.
    _nursery: trio.Nursery

    def __init__(
        self,
        *,
        crashes: bool,
        quote: Callable[[str], str],
        on_done: Callable[[MessageSession, bool], None],
    ) -> None:
        self.handler: ConversationHandler | None = None
        self.is_stopped: bool = False
        self._crashes = crashes
        self._quote = quote
        self._on_done = on_done
        self._at_work = 0
        self._is_done = Wakeup()
        # Of the block that the client is opened in.
        self._context = contextvars.copy_context()

    def start(self, nursery: trio.Nursery) -> None:
        """Choose the nursery for the scopes."""
        self._nursery = nursery

    def call_for(self, session: MessageSession) -> None:
        """Call the handler for a session that nobody holds, if there is a handler."""
        if self.handler is None or self.is_stopped or session.conversation is None:
            return
        session.users += 1
        self._at_work += 1
        # From whatever task this is called: no conversation sees the context of another.
        name = task_name("conversation", session.session_id)
        run = partial(self._run, self.handler, session, session.conversation)
        self._context.run(partial(self._nursery.start_soon, run, name=name))

    async def wait_idle(self) -> None:
        """Wait until no handler runs. No checkpoint if that is so already."""
        while self._at_work:
            await self._is_done.wait()

    async def _run(
        self, handler: ConversationHandler, session: MessageSession, conversation: Conversation
    ) -> None:
        taken = session.taken
        try:
            with trio.CancelScope(deadline=session.deadline) as scope:
                session.scope = scope
                try:
                    await trio.lowlevel.checkpoint_if_cancelled()
                    result = handler(conversation)
                    check_result(result)
                    if inspect.isawaitable(result):
                        await result
                except BaseException as error:
                    self._handler_raised(session, error)
            if scope.cancelled_caught:
                name = self._quote(session.session_id)
                logger.warning(
                    "conversation %s: its handler was cancelled, as its time was over", name
                )
        finally:
            session.scope = None
            session.users -= 1
            self._at_work -= 1
            self._is_done.wake()
            if trio.current_effective_deadline() > trio.current_time():
                self._on_done(session, session.taken > taken)

    def _handler_raised(self, session: MessageSession, error: BaseException) -> None:
        """Log what a handler has failed with, and raise what is not only its own."""
        name = self._quote(session.session_id)
        failure, goes_on = split_failure(error)
        is_over = session.ending is not None
        if failure is not None and is_over and holds_only(failure, WSSSessionClosedError):
            logger.debug("conversation %s: its end ended its handler: %s", name, failure)
            failure = None
        if failure is not None and self._crashes:
            raise error
        if failure is not None:
            logger.error("conversation %s: its handler failed", name, exc_info=failure)
        if goes_on is not None:
            raise goes_on
