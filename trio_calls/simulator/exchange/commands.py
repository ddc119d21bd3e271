"""What an agent may ask of a call, and when."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, assert_never

from trio_calls.simulator.exchange.exchange_call import ExchangeCall
from trio_calls.state import AgentMode, CallState, Command
from trio_calls.wire.commands import CommandRequest
from trio_calls.wire.second.media import DIAL

INVALID_STATE: Final = "INVALID_STATE"
INVALID_COMMAND: Final = "INVALID_COMMAND"

_IN_CONFERENCE: Final = frozenset({CallState.CONNECTED})
_BEFORE_CONFERENCE: Final = frozenset({CallState.PENDING, CallState.ANSWERED})
_TALKING: Final = frozenset({CallState.ANSWERED, CallState.CONNECTED})

#: The states in which the exchange does a command.
POSSIBLE_IN: Final[Mapping[Command, frozenset[CallState]]] = MappingProxyType(
    {
        Command.ANSWER: frozenset({CallState.PENDING}),
        Command.CONNECT: _BEFORE_CONFERENCE,
        Command.BARGE: _IN_CONFERENCE,
        Command.WHISPER: _IN_CONFERENCE,
        Command.SPY: _IN_CONFERENCE,
        Command.INTERRUPT: _TALKING,
        Command.CLOSE: _BEFORE_CONFERENCE | _IN_CONFERENCE,
        Command.DISCONNECT: _BEFORE_CONFERENCE | _IN_CONFERENCE,
    }
)

#: What is possible with a call that an agent has prepared, and not placed yet.
_BEFORE_PLACED: Final = frozenset({Command.CLOSE, Command.DISCONNECT})


def is_possible(command: Command, call: ExchangeCall) -> bool:
    """Return whether a call is in a state for a command."""
    if call.is_outgoing and not call.caller.was_connected:
        return command in _BEFORE_PLACED and not call.is_being_left
    if call.is_being_left or (command is Command.CONNECT and call.is_ringing):
        return False
    return call.agent.state in POSSIBLE_IN[command]


def execute(call: ExchangeCall, request: CommandRequest) -> None:
    """Execute what an agent asks for, or refuse it.

    The agent is answered at once, except about ``call.connect`` and ``call.dial``, which end with
    the ringing, and ``call.close`` and ``call.disconnect``, which end when the agent's last audio
    has been played.
    """
    if request.command == DIAL and call.agent.wire.can_dial:
        _dial(call, request)
        return
    try:
        command = Command(request.command)
    except ValueError:
        call.agent.refuse(request.command_id, INVALID_COMMAND, "there is no such command")
        return
    if not is_possible(command, call):
        state = call.agent.state.value
        doing = ", ringing" * call.is_ringing + ", being left" * call.is_being_left
        message = f"{command.value} is not possible: the call is {state}{doing}"
        call.agent.refuse(request.command_id, INVALID_STATE, message)
        return
    _do(command, call, request)


def _dial(call: ExchangeCall, request: CommandRequest) -> None:
    is_placed = call.caller.was_connected or call.is_ringing or call.is_being_left
    if not call.is_outgoing or is_placed:
        message = "call.dial is for a call of the agent's own, once"
        call.agent.refuse(request.command_id, INVALID_STATE, message)
    elif request.data is None:
        call.agent.refuse(request.command_id, INVALID_COMMAND, "ringTimeSeconds is missing")
    else:
        call.place(request.command_id, request.data.ring_time_seconds)


def _do(command: Command, call: ExchangeCall, request: CommandRequest) -> None:
    agent = call.agent
    match command:
        case Command.CONNECT:
            if request.data is None:
                agent.refuse(request.command_id, INVALID_COMMAND, "ringTimeSeconds is missing")
            else:
                call.ring(request.command_id, request.data.ring_time_seconds)
            return
        case Command.CLOSE:
            ends_call = agent.state is not CallState.CONNECTED
            call.leave(request.command_id, ends_call=ends_call)
            return
        case Command.DISCONNECT:
            call.leave(request.command_id, ends_call=True)
            return
        case Command.ANSWER:
            call.answer()
        case Command.INTERRUPT:
            agent.interrupt()
        case Command.BARGE:
            agent.switch_to(AgentMode.BARGE)
        case Command.WHISPER:
            agent.switch_to(AgentMode.WHISPER)
        case Command.SPY:
            agent.switch_to(AgentMode.SPY)
        case _:
            assert_never(command)
    agent.confirm(request.command_id)
    agent.pull()
