"""The handlers of one call's events, and the task that calls them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import trio

from trio_calls.events import CALL_EVENTS, CALL_TERMINATED

logger = logging.getLogger("trio_calls.event_handlers")

Handler = Callable[..., object]
HandlerT = TypeVar("HandlerT", bound=Handler)

#: Events that wait for their handlers, and asynchronous handlers that are at work, together, at the
#: most; later events are dropped, except for the last of all, `CALL_TERMINATED`.
MAX_WAITING_EVENTS: Final = 1000


class EventHandlers:
    """Keeps the handlers, and runs them in the application's scope, in the order of the events.

    Whoever emits an event never waits and never runs the application's code.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}
        self._emitted, self._to_handle = trio.open_memory_channel[tuple[str, tuple[Any, ...]]](
            MAX_WAITING_EVENTS + 1
        )
        self._working = 0

    def registrar(self, event: str) -> Callable[[HandlerT], HandlerT]:
        """Make the decorator that registers a handler of `event`.

        Raises:
          ValueError: calls have no such event.
        """
        if event not in CALL_EVENTS:
            raise ValueError(f"no event of a call: {event!r}; see trio_calls.events")

        def register(handler: HandlerT) -> HandlerT:
            self._handlers.setdefault(event, []).append(handler)
            return handler

        return register

    def emit(self, event: str, *arguments: Any) -> None:
        """Queue an event for its handlers. It is dropped when far too many wait or work already."""
        if self._busy < MAX_WAITING_EVENTS or event == CALL_TERMINATED:
            with suppress(trio.ClosedResourceError):
                self._emitted.send_nowait((event, arguments))
                return
        logger.debug("an event was dropped: %s", event)

    @property
    def _busy(self) -> int:
        return self._to_handle.statistics().current_buffer_used + self._working

    def close(self) -> None:
        """Emit nothing more; `run` returns when everything emitted so far was handled."""
        self._emitted.close()

    async def run(self) -> None:
        """Call the handlers, one event after the other; asynchronous ones go on by themselves."""
        try:
            async with trio.open_nursery() as nursery:
                async for event, arguments in self._to_handle:
                    for handler in self._handlers.get(event, ()):
                        self._call(nursery, event, handler, arguments)
        finally:
            # A handler often knows its call: a cycle, that would stay in memory for a while.
            self._handlers.clear()

    def _call(
        self, nursery: trio.Nursery, event: str, handler: Handler, arguments: tuple[Any, ...]
    ) -> None:
        try:
            result = handler(*arguments)
        except Exception:
            logger.exception("a handler of %s failed", event)
            return
        if inspect.isawaitable(result):
            self._working += 1
            nursery.start_soon(self._finish, event, result)

    async def _finish(self, event: str, result: Awaitable[object]) -> None:
        try:
            await result
        except Exception:
            logger.exception("a handler of %s failed", event)
        finally:
            self._working -= 1
