"""The handlers of one call's events, and the task that calls them."""

from __future__ import annotations

import contextvars
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import trio

from trio_calls._logging import get_logger
from trio_calls.call.handler_check import check_handler
from trio_calls.concurrency.error_groups import split_failure
from trio_calls.concurrency.grace import run_with_grace
from trio_calls.concurrency.wakeup import Wakeup
from trio_calls.config import ClientConfig
from trio_calls.endings import Ending
from trio_calls.events import CALL_EVENTS, CALL_TERMINATED

logger = get_logger("trio_calls.event_handlers")

Handler = Callable[..., object]
HandlerT = TypeVar("HandlerT", bound=Handler)

#: Events that wait for their handlers, and asynchronous handlers that are at work, together, at the
#: most; later events are dropped, except for the last of all, `CALL_TERMINATED`.
MAX_WAITING_EVENTS: Final = 1000

#: Seconds after `ClientConfig.close_grace_seconds`, where the application has used all of them: for
#: the closing handshake, and for the handlers of `CALL_TERMINATED`.
LAST_WORD_SECONDS: Final = 1.0


class EventHandlers:
    """Keeps the handlers, and runs them, in the order of the events.

    Whoever emits an event never waits and never runs the application's code. `CALL_TERMINATED` is
    the last event, and comes for every ending. So its handlers run beside the application's other
    code, and have time when that is cancelled.

    Handlers see the context variables that the handler of the call has bound.

    Args:
      config: says how long handlers may go on after the call has ended, or was cancelled.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._handlers: dict[str, list[Handler]] = {}
        self._waiting: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._news = Wakeup()
        self._is_finishing = False
        self._is_done = trio.Event()
        self._working = 0
        # Of the task that the call's own handler runs in.
        self._context = contextvars.Context()
        # What the handlers of `CALL_TERMINATED` run in.
        self._last_nursery: trio.Nursery | None = None

    def registrar(self, event: str) -> Callable[[HandlerT], HandlerT]:
        """Make the decorator that registers a handler of `event`.

        Raises:
          ValueError: calls have no such event.
          TypeError: what is to be registered cannot be called, or is a generator.
        """
        if event not in CALL_EVENTS:
            raise ValueError(f"no event of a call: {event!r}; see trio_calls.events")

        def register(handler: HandlerT) -> HandlerT:
            check_handler(handler)
            self._handlers.setdefault(event, []).append(handler)
            return handler

        return register

    def emit(self, event: str, *arguments: Any) -> None:
        """Queue an event for its handlers. It is dropped when far too many wait or work already."""
        if len(self._waiting) + self._working < MAX_WAITING_EVENTS:
            self._waiting.append((event, arguments))
            self._news.wake()
        else:
            logger.debug("an event was dropped: %s", event)

    def start(self, last_nursery: trio.Nursery) -> None:
        """Choose the nursery for the handlers of `CALL_TERMINATED`."""
        self._last_nursery = last_nursery

    def terminate(self, ending: Ending) -> None:
        """Emit `CALL_TERMINATED`. Called once, while the call's scope is open."""
        assert self._last_nursery is not None
        self._last_nursery.start_soon(self._run_last, ending)
        self.finish()

    def forget(self) -> None:
        """Forget what leads to the call's scope, which is closed: no cycle is to be left of it."""
        self._handlers.clear()
        self._waiting.clear()
        self._context = contextvars.Context()
        self._last_nursery = None

    def finish(self) -> None:
        """Make `run` return when everything emitted so far was handled."""
        self._is_finishing = True
        self._news.wake()

    async def run(self, context: contextvars.Context) -> None:
        """Call the handlers, one event after the other; asynchronous ones go on by themselves.

        Args:
          context: of the task that the call's own handler runs in.

        Cancellation: what has not been handled by then is not handled any more.
        """
        self._context = context
        async with trio.open_nursery() as nursery:
            await self._handle_each(nursery)

    async def _handle_each(self, nursery: trio.Nursery) -> None:
        try:
            while True:
                while self._waiting:
                    await trio.lowlevel.checkpoint()
                    self._handle(nursery, *self._waiting.popleft())
                if self._is_finishing:
                    return
                await self._news.wait()
        finally:
            self._is_done.set()

    async def _run_last(self, ending: Ending) -> None:
        """Call the handlers of `CALL_TERMINATED` when all other events were handled."""

        async def run_last() -> None:
            with trio.move_on_after(self._config.after_call_seconds):
                await self._is_done.wait()
                async with trio.open_nursery() as nursery:
                    self._handle(nursery, CALL_TERMINATED, (ending,))

        await run_with_grace(self._config.close_grace_seconds + LAST_WORD_SECONDS, run_last)

    def _handle(self, nursery: trio.Nursery, event: str, arguments: tuple[Any, ...]) -> None:
        for handler in self._handlers.get(event, ()):
            # Handlers of this event were called with nothing before there was an `Ending`.
            is_spared = event == CALL_TERMINATED and _needs_no_argument(handler)
            context = self._context.copy()
            try:
                result = context.run(handler, *(() if is_spared else arguments))
            except BaseException as error:
                _log_failure(event, error)
                continue
            if inspect.isawaitable(result):
                self._working += 1
                context.run(nursery.start_soon, self._finish, event, result)

    async def _finish(self, event: str, result: Awaitable[object]) -> None:
        try:
            await result
        except BaseException as error:
            _log_failure(event, error)
        finally:
            self._working -= 1


def _needs_no_argument(handler: Handler) -> bool:
    try:
        signature = inspect.signature(handler)
        signature.bind()
    except TypeError:
        return False
    except ValueError:
        # A function of C that does not say what it takes.
        return True
    # A decorator that hides what it wraps takes anything, and hands it on.
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return inspect.Parameter.VAR_POSITIONAL not in kinds


def _log_failure(event: str, error: BaseException) -> None:
    """Log what a handler has raised, and raise what is not only its own."""
    failure, goes_on = split_failure(error)
    if failure is not None:
        logger.error("a handler of %s failed", event, exc_info=failure)
    if goes_on is not None:
        raise goes_on
