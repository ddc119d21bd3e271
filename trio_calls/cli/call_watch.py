"""What a display shows of a simulator's calls, and what has happened since it last looked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import trio

from trio_calls.simulator import SimulatedCall, Simulator
from trio_calls.simulator._simulated_call import gone_from
from trio_calls.simulator.phones.conference import Party
from trio_calls.state import AgentMode, CallState

#: How much of the latest audio levels are measured over, in seconds.
LEVEL_SECONDS: Final = 0.4

_LONGEST_NUMBER: Final = 20
_STATE_EVENTS: Final = {CallState.ANSWERED: "answered", CallState.CONNECTED: "connected"}
_GONE: Final = {
    Party.AGENT: "agent left",
    Party.CALLER: "caller hung up",
    Party.CALLEE: "callee hung up",
}


def printable(number: str | None) -> str:
    """Return a telephone number made safe to print: a caller may put anything in it, or nothing."""
    if number is None:
        return "a withheld number"
    shown = "".join(character if character.isprintable() else "?" for character in number)
    return shown if len(shown) <= _LONGEST_NUMBER else shown[: _LONGEST_NUMBER - 1] + "…"


class WatchedCall:
    """One call, and which of its events were reported already.

    Attributes:
      number: the number of the call in the simulator, from 1.
    """

    def __init__(self, call: SimulatedCall) -> None:
        self.number: int = call.number
        self._call = call
        self._placed_at = trio.current_time()
        self._ended_at: float | None = None
        self._states_reported = 1
        self._mode_reported: AgentMode | None = None
        self._claim_reported = False
        self._gone_reported = 0

    @property
    def parties(self) -> str:
        """Who calls whom."""
        return f"{printable(self._call.caller.number)} → {printable(self._call.callee.number)}"

    @property
    def state(self) -> str:
        """The state of the call, in the words of the display."""
        state = self._call.agent_states[-1]
        if self._call.ended:
            return "over"
        return "agent left" if state is CallState.DISCONNECTED else state.name

    @property
    def mode(self) -> str:
        """The agent's mode, which says who hears the agent; empty outside a conference."""
        mode = self._call.agent_mode
        return mode.name if mode else ""

    @property
    def seconds(self) -> float:
        """How many seconds the call has lasted, ringing included."""
        until = trio.current_time() if self._ended_at is None else self._ended_at
        return until - self._placed_at

    @property
    def has_ended(self) -> bool:
        """Whether the call was over at the last look."""
        return self._ended_at is not None

    @property
    def seconds_over(self) -> float:
        """For how many seconds the call has been over; minus infinity while it goes on."""
        return -math.inf if self._ended_at is None else trio.current_time() - self._ended_at

    def levels(self) -> tuple[float | None, float | None, float | None]:
        """Return the levels of caller, callee and agent now, in dBFS; None for those absent."""
        levels = self._call.levels(seconds=LEVEL_SECONDS)
        return levels.caller, levels.callee, levels.agent

    def news(self) -> Iterator[str]:
        """Yield the events since this was last called."""
        if self._call.was_claimed and not self._claim_reported:
            self._claim_reported = True
            yield "claimed"
        new_states = self._call.agent_states[self._states_reported :]
        self._states_reported += len(new_states)
        yield from (_STATE_EVENTS[state] for state in new_states if state in _STATE_EVENTS)
        mode = self._call.agent_mode
        if mode is not None and mode is not self._mode_reported:
            self._mode_reported = mode
            yield f"mode {mode.name}"
        gone = gone_from(self._call)
        yield from (_GONE[party] for party in gone[self._gone_reported :])
        self._gone_reported = len(gone)
        if self._call.ended and self._ended_at is None:
            self._ended_at = trio.current_time()
            yield f"ended after {self.seconds:.1f} s"


class CallWatch:
    """The calls of a simulator that are worth showing.

    Attributes:
      calls: the calls that go on, and those that have ended lately, oldest first.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.calls: list[WatchedCall] = []
        self._simulator = simulator
        self._seen = 0

    @property
    def going_on(self) -> int:
        """The number of calls that go on."""
        return sum(not call.has_ended for call in self.calls)

    @property
    def over(self) -> int:
        """The number of calls that have ended."""
        return self._seen - self.going_on

    def look(self, *, keep_seconds: float = 0.0) -> list[tuple[WatchedCall, str]]:
        """Update `calls`, and return what has happened.

        Args:
          keep_seconds: how long a call that has ended stays among `calls`.

        Returns:
          The events since the last look, each with its call.
        """
        self.calls = [call for call in self.calls if call.seconds_over < keep_seconds]
        events = []
        # Calls that ended long ago may have been forgotten, so that they are not counted by place.
        for call in self._simulator.calls:
            if call.number <= self._seen:
                continue
            self._seen = call.number
            watched = WatchedCall(call)
            self.calls.append(watched)
            events.append((watched, "offered"))
        for watched in self.calls:
            events += [(watched, event) for event in watched.news()]
        return events
