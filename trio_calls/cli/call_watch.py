"""What can be seen of a simulator's calls, looked at again and again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import trio

from trio_calls.simulator import SimulatedCall, Simulator
from trio_calls.state import AgentMode, CallState

#: Levels are those of so much of the latest audio.
LEVEL_SECONDS: Final = 0.4

_LONGEST_NUMBER: Final = 20
_STATE_EVENTS: Final = {CallState.ANSWERED: "answered", CallState.CONNECTED: "connected"}


def printable(number: str) -> str:
    """Make a telephone number fit to be shown: whoever dials chooses it, line breaks and all."""
    shown = "".join(character if character.isprintable() else "?" for character in number)
    return shown if len(shown) <= _LONGEST_NUMBER else shown[: _LONGEST_NUMBER - 1] + "…"


class WatchedCall:
    """One call, and what was said about it already.

    Attributes:
      number: counts the simulator's calls, from 1.
    """

    def __init__(self, call: SimulatedCall) -> None:
        self.number: int = call.number
        self._call = call
        self._placed_at = trio.current_time()
        self._ended_at: float | None = None
        self._states_told = 1
        self._mode_told: AgentMode | None = None
        self._claim_told = False

    @property
    def parties(self) -> str:
        """Who calls whom."""
        return f"{printable(self._call.caller.number)} → {printable(self._call.callee.number)}"

    @property
    def state(self) -> str:
        """Where the call stands."""
        state = self._call.agent_states[-1]
        if self._call.ended:
            return "over"
        return "agent left" if state is CallState.DISCONNECTED else state.name

    @property
    def mode(self) -> str:
        """Who hears the agent; empty outside a conference."""
        mode = self._call.agent_mode
        return mode.name if mode else ""

    @property
    def seconds(self) -> float:
        """How long the call has lasted, ringing included."""
        until = trio.current_time() if self._ended_at is None else self._ended_at
        return until - self._placed_at

    @property
    def has_ended(self) -> bool:
        """Whether it was over when it was looked at last."""
        return self._ended_at is not None

    @property
    def seconds_over(self) -> float:
        """For how long it has been over; minus infinity while it is not."""
        return -math.inf if self._ended_at is None else trio.current_time() - self._ended_at

    def levels(self) -> tuple[float | None, float | None, float | None]:
        """How loud caller, callee and agent have been just now, in dBFS; None for who is not in."""
        levels = self._call.levels(seconds=LEVEL_SECONDS)
        return levels.caller, levels.callee, levels.agent

    def news(self) -> Iterator[str]:
        """Say what has happened since this was asked last."""
        if self._call.was_claimed and not self._claim_told:
            self._claim_told = True
            yield "claimed"
        new_states = self._call.agent_states[self._states_told :]
        self._states_told += len(new_states)
        yield from (_STATE_EVENTS[state] for state in new_states if state in _STATE_EVENTS)
        mode = self._call.agent_mode
        if mode is not None and mode is not self._mode_told:
            self._mode_told = mode
            yield f"mode {mode.name}"
        if CallState.DISCONNECTED in new_states and self._claim_told:
            yield "agent left"
        if self._call.ended and self._ended_at is None:
            self._ended_at = trio.current_time()
            yield f"ended after {self.seconds:.1f} s"


class CallWatch:
    """The calls of a simulator that are worth looking at.

    Attributes:
      calls: those that go on, and those that have ended lately, oldest first.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.calls: list[WatchedCall] = []
        self._simulator = simulator
        self._seen = 0

    @property
    def going_on(self) -> int:
        """How many calls go on."""
        return sum(not call.has_ended for call in self.calls)

    @property
    def over(self) -> int:
        """How many calls have ended."""
        return self._seen - self.going_on

    def look(self, *, keep_seconds: float = 0.0) -> list[tuple[WatchedCall, str]]:
        """Look again.

        Args:
          keep_seconds: for how long a call that has ended stays among `calls`.

        Returns:
          What has happened since the last look: calls and events.
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
