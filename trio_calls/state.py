"""The states of a call, and the one table that moves it between them.

`TRANSITIONS` says where each `Signal` takes a call in each `CallState`. A pair that is not in the
table is illegal: it raises (for what we are about to do) or is ignored (for what the exchange
says), and in both cases the state stays as it was.

The same table guards the commands: a command is allowed exactly where the table has the signal of
its success. So there is no second list that could disagree with the first.

A new command needs a member of `Command` and of `Signal`, an entry in `SUCCESS` and in `METHODS`,
and its signal in the states that allow it. The tests fail for a table that lacks one.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trio_calls.errors import WSSCallEndedError, WSSCallStateError


class IdentityEnum(enum.Enum):
    """An enum whose members are hashed by identity, by which they are compared anyway.

    Enum's own hash is written in Python, and every frame causes look-ups in several tables.
    """

    # Type checkers would not know what it hides.
    if not TYPE_CHECKING:
        __hash__ = object.__hash__


class CallState(IdentityEnum):
    """The state of a call, as its agent sees it."""

    PENDING = "PENDING"
    """Just arrived; the caller hears ringing."""

    ANSWERED = "ANSWERED"
    """The agent talks with the caller."""

    CONNECTED = "CONNECTED"
    """Caller, original callee and agent are in a conference."""

    DISCONNECTED = "DISCONNECTED"
    """Over for the agent. Caller and callee may still be talking."""


class AgentMode(IdentityEnum):
    """Who hears the agent in a conference. The agent hears both in every mode."""

    BARGE = "BARGE"
    """Caller and callee hear the agent. The mode after `connect()`, on most exchanges."""

    WHISPER = "WHISPER"
    """Only the callee hears the agent; in a call that the agent has started, only the caller."""

    SPY = "SPY"
    """Nobody hears the agent."""


class Command(IdentityEnum):
    """What an agent can ask the exchange to do. The values are the commands' names on the wire."""

    ANSWER = "call.answer"
    CONNECT = "call.connect"
    BARGE = "agent.barge"
    WHISPER = "agent.whisper"
    SPY = "agent.spy"
    INTERRUPT = "agent.interrupt"
    CLOSE = "call.close"
    DISCONNECT = "call.disconnect"


class Signal(IdentityEnum):
    """What can happen to a call. Nothing else moves its state."""

    ANSWERED = "answer() succeeded"
    ANSWER_FAILED = "answer() failed"
    CONNECTED = "connect() succeeded"
    CONNECT_FAILED = "connect() failed"
    BARGING = "barge() succeeded"
    WHISPERING = "whisper() succeeded"
    SPYING = "spy() succeeded"
    INTERRUPTED = "clear_send_audio_buffer() succeeded"
    AUDIO = "audio went in or out"
    CLOSED = "close() succeeded"
    DISCONNECTED = "disconnect() succeeded"
    HANDED_OVER = "hand_over() succeeded"
    TERMINATED = "the exchange ended the call"
    MEDIA_LOST = "the media connection was lost"


TRANSITIONS: Final[Mapping[CallState, Mapping[Signal, CallState]]] = MappingProxyType(
    {
        CallState.PENDING: MappingProxyType(
            {
                Signal.ANSWERED: CallState.ANSWERED,
                Signal.ANSWER_FAILED: CallState.PENDING,
                Signal.CONNECTED: CallState.CONNECTED,
                Signal.CONNECT_FAILED: CallState.PENDING,
                Signal.CLOSED: CallState.DISCONNECTED,
                Signal.DISCONNECTED: CallState.DISCONNECTED,
                Signal.HANDED_OVER: CallState.DISCONNECTED,
                Signal.TERMINATED: CallState.DISCONNECTED,
                Signal.MEDIA_LOST: CallState.DISCONNECTED,
            }
        ),
        CallState.ANSWERED: MappingProxyType(
            {
                Signal.CONNECTED: CallState.CONNECTED,
                Signal.CONNECT_FAILED: CallState.ANSWERED,
                Signal.INTERRUPTED: CallState.ANSWERED,
                Signal.AUDIO: CallState.ANSWERED,
                Signal.CLOSED: CallState.DISCONNECTED,
                Signal.DISCONNECTED: CallState.DISCONNECTED,
                Signal.TERMINATED: CallState.DISCONNECTED,
                Signal.MEDIA_LOST: CallState.DISCONNECTED,
            }
        ),
        CallState.CONNECTED: MappingProxyType(
            {
                Signal.BARGING: CallState.CONNECTED,
                Signal.WHISPERING: CallState.CONNECTED,
                Signal.SPYING: CallState.CONNECTED,
                Signal.INTERRUPTED: CallState.CONNECTED,
                Signal.AUDIO: CallState.CONNECTED,
                Signal.CLOSED: CallState.DISCONNECTED,
                Signal.DISCONNECTED: CallState.DISCONNECTED,
                Signal.TERMINATED: CallState.DISCONNECTED,
                Signal.MEDIA_LOST: CallState.DISCONNECTED,
            }
        ),
        CallState.DISCONNECTED: MappingProxyType({}),
    }
)

#: The signal of each command's success.
SUCCESS: Final[Mapping[Command, Signal]] = MappingProxyType(
    {
        Command.ANSWER: Signal.ANSWERED,
        Command.CONNECT: Signal.CONNECTED,
        Command.BARGE: Signal.BARGING,
        Command.WHISPER: Signal.WHISPERING,
        Command.SPY: Signal.SPYING,
        Command.INTERRUPT: Signal.INTERRUPTED,
        Command.CLOSE: Signal.CLOSED,
        Command.DISCONNECT: Signal.DISCONNECTED,
    }
)

#: The signal of a command's failure, for the commands whose failure has one.
FAILURE: Final[Mapping[Command, Signal]] = MappingProxyType(
    {
        Command.ANSWER: Signal.ANSWER_FAILED,
        Command.CONNECT: Signal.CONNECT_FAILED,
    }
)

#: The agent's mode after a signal; a signal that is not here leaves the mode alone. Some exchanges
#: have another one after `connect()`.
MODE_AFTER: Final[Mapping[Signal, AgentMode]] = MappingProxyType(
    {
        Signal.CONNECTED: AgentMode.BARGE,
        Signal.BARGING: AgentMode.BARGE,
        Signal.WHISPERING: AgentMode.WHISPER,
        Signal.SPYING: AgentMode.SPY,
    }
)

#: What asks for each mode.
COMMAND_FOR: Final[Mapping[AgentMode, Command]] = MappingProxyType(
    {
        AgentMode.BARGE: Command.BARGE,
        AgentMode.WHISPER: Command.WHISPER,
        AgentMode.SPY: Command.SPY,
    }
)

#: The methods that an application calls, by the signal that the table must have to allow them.
METHODS: Final[Mapping[Signal, tuple[str, ...]]] = MappingProxyType(
    {
        Signal.ANSWERED: ("answer()",),
        Signal.CONNECTED: ("connect()",),
        Signal.BARGING: ("barge()",),
        Signal.WHISPERING: ("whisper()",),
        Signal.SPYING: ("spy()",),
        Signal.AUDIO: ("send_audio()", "send_audio_nowait()", "audio_stream()"),
        Signal.INTERRUPTED: ("clear_send_audio_buffer()",),
        Signal.CLOSED: ("close()",),
        Signal.DISCONNECTED: ("disconnect()",),
        Signal.HANDED_OVER: ("hand_over()",),
    }
)


def is_legal(state: CallState, signal: Signal) -> bool:
    """Return whether a signal can happen in a state: whether the table has this pair."""
    return signal in TRANSITIONS[state]


#: The states in which audio goes in and out. A set, because each of fifty frames a second asks.
STATES_WITH_AUDIO: Final = frozenset(state for state in CallState if is_legal(state, Signal.AUDIO))


def next_state(state: CallState, signal: Signal) -> CallState:
    """Return the state to which a signal takes a call.

    Raises:
      WSSCallStateError: the signal cannot happen in this state.
    """
    try:
        return TRANSITIONS[state][signal]
    except KeyError:
        raise WSSCallStateError(f"in {state.name} this cannot happen: {signal.value}") from None


def allowed_methods(state: CallState) -> tuple[str, ...]:
    """Return the methods that an application may call in a state, in the order of `METHODS`."""
    return tuple(
        method
        for signal, methods in METHODS.items()
        if is_legal(state, signal)
        for method in methods
    )


def require_legal(state: CallState, signal: Signal) -> None:
    """Raise unless a state allows the method whose success `signal` is.

    Raises:
      WSSCallStateError: the state does not allow it; a `WSSCallEndedError` once the call is over.
    """
    if signal not in TRANSITIONS[state]:
        raise illegal(state, METHODS[signal][0])


def illegal(state: CallState, method: str) -> WSSCallStateError:
    """Return the error for a method that a state does not allow. It says what is allowed."""
    allowed = ", ".join(allowed_methods(state))
    if not allowed:
        return WSSCallEndedError(
            f"{method} is not allowed in {state.name}; allowed: nothing: the call is over"
        )
    return WSSCallStateError(f"{method} is not allowed in {state.name}; allowed: {allowed}")
