"""Spans of calls. Needs the extra ``trio-calls[traces]``.

::

    call                    from its offer until nothing runs for it any more
    ├── call.answer         each command, from when it was asked for until it was over
    ├── turn                from the caller's silence until the agent is heard
    ├── …                   what the handler, and all that it starts, records itself
    └── agent.interrupt

The call's span is bound in the context of the call's task, before its handler is called. From there
Trio's nurseries hand it on: to where a task is started, and not to whoever wakes it. Commands and
turns are told by the tasks that read the connection and listen; their spans are the call's children
all the same.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from typing import Final, ParamSpec

import trio
from opentelemetry import context as contexts
from opentelemetry import trace

from trio_calls._logging import get_logger
from trio_calls._version import __version__
from trio_calls.call.active_call import ActiveCall, observers_of
from trio_calls.call.observers import TurnTaken
from trio_calls.client.client import CallClient, client_observers_of
from trio_calls.client.observers import Loss
from trio_calls.endings import EndCause, Ending
from trio_calls.errors import WSSCallClosedError, WSSCallCommandError
from trio_calls.state import AgentMode, CallState, Command

logger = get_logger("trio_calls.traces")

P = ParamSpec("P")

#: What ends a call that ought to have gone on.
_FAULTS: Final = frozenset({EndCause.LOST, EndCause.FAILED})

#: What the other side calls an error by, if it is a code, and not a sentence with who knows what.
_CODE: Final = re.compile(r"[A-Z_]{1,64}")


def _calmly(function: Callable[P, None]) -> Callable[P, None]:
    """Let nothing out that the application's samplers and processors of spans raise.

    They run in whatever task tells what has happened, be it the one that keeps all calls alive.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception:
            logger.exception("a span could not be recorded")

    return call


class _Clock:
    """Turns Trio's time into that of spans: nanoseconds since 1970."""

    def __init__(self) -> None:
        self._trio_time = trio.current_time()
        self._wall_ns = time.time_ns()

    def at(self, trio_time: float) -> int:
        return self._wall_ns + round((trio_time - self._trio_time) * 1e9)

    def now(self) -> int:
        return self.at(trio.current_time())


class CallSpan:
    """The span of one call: a `CallObserver`. It is bound in the present context.

    Args:
      tracer: makes the spans.
      call: the call.
      offered_at: when it was offered, in Trio's time; None if it was not.
      show_numbers: whether the span has telephone numbers.
    """

    def __init__(
        self,
        tracer: trace.Tracer,
        call: ActiveCall,
        offered_at: float | None,
        *,
        show_numbers: bool,
    ) -> None:
        self._tracer = tracer
        self._clock = _Clock()
        attributes = {"trio_calls.call.id": call.call_id}
        if show_numbers:
            numbers = {"caller": call.caller_number, "callee": call.callee_number}
            attributes |= {
                f"trio_calls.{who}.number": number for who, number in numbers.items() if number
            }
        self._span = tracer.start_span(
            "call",
            # Each call is a trace of its own, whatever is traced where the client was opened.
            context=contexts.Context(),
            kind=trace.SpanKind.CONSUMER,
            attributes=attributes,
            start_time=self._clock.now() if offered_at is None else self._clock.at(offered_at),
        )
        self._context = trace.set_span_in_context(self._span)
        # What is recorded from here on in this task, and all that it starts, is a child of this.
        self._binding = contexts.attach(self._context)

    @_calmly
    def end(self) -> None:
        """Note that nothing runs for the call any more. Called in the task that has begun it."""
        contexts.detach(self._binding)
        self._span.end(self._clock.now())

    @_calmly
    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        """Note the state, and how the call has ended."""
        self._add_event("state", {"trio_calls.call.state": state.name})
        if ending is not None:
            self._span.set_attribute("trio_calls.call.end_cause", ending.cause.name)
            if ending.cause in _FAULTS:
                self._span.set_status(trace.StatusCode.ERROR)

    @_calmly
    def mode_changed(self, mode: AgentMode) -> None:
        """Note the mode."""
        self._add_event("mode", {"trio_calls.call.mode": mode.name})

    @_calmly
    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        """Record a span of the command."""
        span = self._tracer.start_span(
            command.value,
            context=self._context,
            kind=trace.SpanKind.CLIENT,
            start_time=self._clock.at(asked_at),
        )
        if error is not None:
            span.set_attribute("error.type", _name_of(type(error)))
            if isinstance(error, WSSCallCommandError) and _CODE.fullmatch(error.error_code):
                span.set_attribute("trio_calls.error_code", error.error_code)
            # That people hang up, or something else matters more now, is no error.
            if not isinstance(error, WSSCallClosedError | trio.Cancelled):
                span.set_status(trace.StatusCode.ERROR)
        span.end(self._clock.now())

    @_calmly
    def turn_taken(self, turn: TurnTaken) -> None:
        """Record a span of the turn."""
        span = self._tracer.start_span(
            "turn",
            context=self._context,
            attributes={
                "trio_calls.turn.pause_seconds": turn.pause_seconds,
                "trio_calls.turn.thinking_seconds": turn.thinking_seconds,
                "trio_calls.turn.synthesis_seconds": turn.synthesis_seconds,
                "trio_calls.turn.queue_seconds": turn.queue_seconds,
            },
            start_time=self._clock.at(turn.silent_at),
        )
        span.end(self._clock.at(turn.heard_at))

    @_calmly
    def interrupted(self) -> None:
        """Note that somebody has talked over the agent."""
        self._add_event("interrupted", {})

    def _add_event(self, name: str, attributes: dict[str, str]) -> None:
        self._span.add_event(name, attributes, self._clock.now())


class CallTracing:
    """Records a span for each call of a client: a `ClientObserver`.

    Args:
      client: whose calls they are.
      tracer_provider: where to; None for the application's global one.
      show_numbers: whether spans have telephone numbers.
    """

    def __init__(
        self,
        client: CallClient,
        tracer_provider: trace.TracerProvider | None,
        *,
        show_numbers: bool,
    ) -> None:
        self._tracer = trace.get_tracer("trio_calls", __version__, tracer_provider)
        self._show_numbers = show_numbers
        self._spans: dict[ActiveCall, CallSpan] = {}
        self._is_stopping = False
        self._observers = client_observers_of(client)
        self._observers.add(self)

    def stop(self) -> None:
        """Begin no more spans of calls. Those that have begun go on to the end of their calls."""
        self._is_stopping = True
        self._leave_if_done()

    def connection_changed(self, is_connected: bool) -> None:
        """Nothing: it belongs to no call."""

    def room_changed(self, is_full: bool) -> None:
        """Nothing: it belongs to no call."""

    def offer_seen(self) -> None:
        """Nothing: there is no call yet."""

    def offer_lost(self, loss: Loss) -> None:
        """Nothing: there will be no call."""

    @_calmly
    def call_opened(self, call: ActiveCall, offered_at: float | None) -> None:
        """Begin the span of a call, and bind it in its context."""
        if self._is_stopping:
            return
        span = CallSpan(self._tracer, call, offered_at, show_numbers=self._show_numbers)
        observers_of(call).add(span)
        self._spans[call] = span

    @_calmly
    def call_closed(self, call: ActiveCall) -> None:
        """End the span of a call, if it has one."""
        span = self._spans.pop(call, None)
        if span is not None:
            observers_of(call).remove(span)
            span.end()
            self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._is_stopping and not self._spans:
            self._observers.remove(self)


def _name_of(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
