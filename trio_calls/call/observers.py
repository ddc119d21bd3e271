"""Those who watch a call, and change nothing about it: timelines, metrics, traces."""

from __future__ import annotations

from typing import Protocol

import attrs

from trio_calls.endings import Ending
from trio_calls.state import AgentMode, CallState, Command
from trio_calls.wire.call_protocol import CallProtocol


@attrs.frozen
class TurnTaken:
    """The agent was heard after somebody had spoken. The four parts lead from one to the other.

    Attributes:
      silent_at: when the other one had ceased to speak, in Trio's time.
      heard_at: when the agent was heard.
      pause_seconds: until it was clear that they had finished.
      thinking_seconds: until the agent was to say something.
      synthesis_seconds: how long its first audio took to come.
      queue_seconds: how long it waited to be heard.
    """

    silent_at: float
    heard_at: float
    pause_seconds: float
    thinking_seconds: float
    synthesis_seconds: float
    queue_seconds: float


class CallObserver(Protocol):
    """Somebody who watches a call. Nothing here may wait or raise."""

    def state_changed(self, state: CallState, ending: Ending | None) -> None:
        """Note that the call has come into a state; with how it has ended, once it has."""
        ...

    def mode_changed(self, mode: AgentMode) -> None:
        """Note that others hear the agent from now on."""
        ...

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        """Note that a command is over, whether somebody has waited for it or not.

        One that was sent is over when the exchange has answered, or is given up, or the call is
        over. One that was not is over when whoever has asked for it is told so.

        Args:
          command: which.
          asked_at: when the application has asked for it, in Trio's time.
          error: what it came to; None if the exchange has done it.
        """
        ...

    def turn_taken(self, turn: TurnTaken) -> None:
        """Note that the agent was heard after somebody had spoken. A voice tells it."""
        ...

    def interrupted(self) -> None:
        """Note that somebody talks over the agent, which falls silent. A voice tells it."""
        ...


@attrs.define(eq=False)
class CallObservers:
    """Tells those who watch a call what happens to it.

    Args:
      protocol: holds the state.
    """

    _protocol: CallProtocol
    _observers: list[CallObserver] = attrs.field(factory=list, init=False)
    _state: CallState = attrs.field(default=CallState.PENDING, init=False)
    _mode: AgentMode | None = attrs.field(default=None, init=False)

    def add(self, observer: CallObserver) -> None:
        """Let somebody watch, until they are removed."""
        self._observers.append(observer)

    def remove(self, observer: CallObserver) -> None:
        """Let somebody watch no longer who does."""
        self._observers.remove(observer)

    def look(self, ending: Ending | None = None) -> None:
        """Tell of the state and the mode, if they have changed since the last look."""
        state, mode = self._protocol.state, self._protocol.mode
        if state is not self._state:
            self._state = state
            for observer in tuple(self._observers):
                observer.state_changed(state, ending)
        if mode is not self._mode:
            self._mode = mode
            if mode is not None:
                for observer in tuple(self._observers):
                    observer.mode_changed(mode)

    def command_ended(self, command: Command, asked_at: float, error: BaseException | None) -> None:
        """Tell of the end of a command."""
        for observer in tuple(self._observers):
            observer.command_ended(command, asked_at, error)

    def turn_taken(self, turn: TurnTaken) -> None:
        """Tell of a turn of the agent's."""
        for observer in tuple(self._observers):
            observer.turn_taken(turn)

    def interrupted(self) -> None:
        """Tell of an interruption."""
        for observer in tuple(self._observers):
            observer.interrupted()
