"""Counting what a client and its calls do.

::

    client ── ClientObserver ──► ClientWatch ──► Numbers
    call   ── CallObserver ────► CallWatch ────────▲
    four times a second: how late? who starves? ───┘

What calls count themselves, such as dropped frames, is asked of those in progress when a report is
made, and kept of those that are over. Nothing here happens with a frame.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import trio

from trio_calls.call.active_call import ActiveCall, is_starved, observers_of
from trio_calls.call.observers import TurnTaken
from trio_calls.client.client import CallClient, client_observers_of
from trio_calls.client.observers import Loss
from trio_calls.concurrency.error_groups import plain_single_error
from trio_calls.endings import Ending
from trio_calls.state import STATES_WITH_AUDIO, AgentMode, CallState, Command
from trio_calls.telemetry._catalogue import (
    ANSWER_SECONDS,
    CALLS,
    CALLS_ENDED,
    CAPACITY,
    CONNECTED,
    DRAINING,
    DROPPED_FRAMES,
    LAG_SECONDS,
    OFFERS_CLAIMED,
    OFFERS_LOST,
    OFFERS_SEEN,
    REACTION_SECONDS,
    RECEIVED_BYTES,
    RECONNECTS,
    SATURATED_SECONDS,
    SENT_BYTES,
    STARVED_SECONDS,
    WORKERS,
    cause_value,
    loss_value,
    state_value,
)
from trio_calls.telemetry._numbers import Numbers
from trio_calls.telemetry._reports import Report

#: So often it is looked at what nobody tells: how late the event loop is, and whose credit is gone.
TICK_SECONDS: Final = 0.25

#: What stands where a telephone number would.
BLOT: Final = "***"


class CallWatch:
    """Watches one call: a `CallObserver`.

    Args:
      numbers: where to count.
      offered_at: when the call was offered, in Trio's time; None if it is too late to measure that.

    Attributes:
      opened_at: when the call was first seen, in Trio's time.
    """

    def __init__(self, numbers: Numbers, offered_at: float | None) -> None:
        self.opened_at: float = trio.current_time()
        self._numbers = numbers
        self._offered_at = offered_at

    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        """Measure how long it took to answer, and count the end."""
        if state in STATES_WITH_AUDIO and self._offered_at is not None:
            self._numbers.observe(ANSWER_SECONDS, trio.current_time() - self._offered_at)
            self._offered_at = None
        if ending is not None:
            self._numbers.count(CALLS_ENDED, value=cause_value(ending.cause))

    def mode_changed(self, mode: AgentMode) -> None:
        """Nothing: no metric tells modes apart."""

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        """Nothing: no metric is about commands."""

    def turn_taken(self, turn: TurnTaken) -> None:
        """Measure how long somebody has waited to hear the agent."""
        self._numbers.observe(REACTION_SECONDS, turn.heard_at - turn.silent_at)

    def interrupted(self) -> None:
        """Nothing: it is an everyday thing."""


class ClientWatch:
    """Watches a client and its calls: a `ClientObserver`, and a `Reporter`.

    Args:
      client: the client.
      show_numbers: leave telephone numbers in reports.
    """

    def __init__(self, client: CallClient, *, show_numbers: bool) -> None:
        self._client = client
        self._observers = client_observers_of(client)
        self._show_numbers = show_numbers
        self._numbers = Numbers()
        self._has_connected = self._observers.is_connected
        self._full_since: float | None = None
        self._calls = {call: self._watch(call, None) for call in client.calls}
        self._observers.add(self)
        self.room_changed(self._observers.is_full)

    def stop(self) -> None:
        """Watch no longer."""
        self._observers.remove(self)
        for call, watch in self._calls.items():
            observers_of(call).remove(watch)

    def connection_changed(self, is_connected: bool) -> None:
        """Count a connection that replaces one."""
        if is_connected and self._has_connected:
            self._numbers.count(RECONNECTS)
        self._has_connected |= is_connected

    def room_changed(self, is_full: bool) -> None:
        """Measure for how long there is no room."""
        now = trio.current_time()
        if self._full_since is not None:
            self._numbers.count(SATURATED_SECONDS, now - self._full_since)
        self._full_since = now if is_full else None

    def offer_seen(self) -> None:
        """Count an offer."""
        self._numbers.count(OFFERS_SEEN)

    def offer_lost(self, loss: Loss) -> None:
        """Count an offer that has come to nothing."""
        self._numbers.count(OFFERS_LOST, value=loss_value(loss))

    def call_opened(self, call: ActiveCall, offered_at: float | None) -> None:
        """Count a call that was offered, and watch any."""
        if offered_at is not None:
            self._numbers.count(OFFERS_CLAIMED)
        self._calls[call] = self._watch(call, offered_at)

    def call_closed(self, call: ActiveCall) -> None:
        """Keep what the call has counted."""
        watch = self._calls.pop(call)
        observers_of(call).remove(watch)
        _count_audio(self._numbers, call)

    async def tick(self) -> None:
        """Look again and again at what nobody tells.

        Cancellation: ends it.
        """
        looked_at = trio.current_time()
        while True:
            due = looked_at + TICK_SECONDS
            await trio.sleep_until(due)
            now = trio.current_time()
            self._numbers.observe(LAG_SECONDS, now - due)
            starved = sum(map(is_starved, self._calls))
            self._numbers.count(STARVED_SECONDS, starved * (now - looked_at))
            looked_at = now

    async def report(self, *, with_calls: bool = False) -> Report:
        """Report how things are now: see `Reporter`."""
        await trio.lowlevel.checkpoint()
        return self.report_now(with_calls=with_calls)

    def report_now(self, *, with_calls: bool = False) -> Report:
        """Report how things are now, without a checkpoint."""
        # What has not come to an end so far counts until now.
        self.room_changed(self._full_since is not None)
        numbers = self._numbers.copy()
        for call in self._calls:
            numbers.count(CALLS, value=state_value(call.state))
            _count_audio(numbers, call)
        capacity = self._observers.capacity
        numbers.count(CAPACITY, math.inf if capacity is None else capacity)
        numbers.count(WORKERS)
        numbers.count(CONNECTED, self._observers.is_connected)
        numbers.count(DRAINING, self._observers.is_draining)
        return Report(numbers, self._why_not_ready(), self._describe_calls() if with_calls else ())

    def _watch(self, call: ActiveCall, offered_at: float | None) -> CallWatch:
        watch = CallWatch(self._numbers, offered_at)
        observers_of(call).add(watch)
        return watch

    def _why_not_ready(self) -> str | None:
        if self._observers.is_draining:
            return "draining"
        if not self._observers.is_connected:
            return "no connection to the exchange"
        return "paused: too many calls in a row have failed" if self._observers.is_paused else None

    def _describe_calls(self) -> list[dict[str, Any]]:
        now = trio.current_time()
        return [
            {
                "call_id": call.call_id,
                "caller_number": self._shown(call.caller_number),
                "callee_number": self._shown(call.callee_number),
                "state": call.state.name,
                "mode": call.mode and call.mode.name,
                "seconds": round(now - watch.opened_at, 3),
            }
            for call, watch in self._calls.items()
        ]

    def _shown(self, number: str | None) -> str | None:
        return number if number is None or self._show_numbers else BLOT


def _count_audio(numbers: Numbers, call: ActiveCall) -> None:
    """Add what a call has counted since it began."""
    statistics = call.statistics()
    numbers.count(RECEIVED_BYTES, statistics.received_bytes)
    numbers.count(SENT_BYTES, statistics.sent_bytes)
    numbers.count(DROPPED_FRAMES, statistics.dropped_frames)


@asynccontextmanager
async def open_watch(
    client: CallClient, *, show_numbers: bool = False
) -> AsyncIterator[ClientWatch]:
    """Watch a client while the block runs.

    Args:
      client: the client.
      show_numbers: leave telephone numbers in reports.
    """
    watch = ClientWatch(client, show_numbers=show_numbers)
    try:
        with plain_single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch.tick)
                yield watch
                nursery.cancel_scope.cancel()
    finally:
        watch.stop()
