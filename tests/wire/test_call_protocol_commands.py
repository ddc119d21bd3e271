"""Commands and their responses, and where they take a call."""

import itertools
import json
import uuid
from typing import Any

import pytest

from trio_calls.audio_format import AudioMode
from trio_calls.errors import (
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    WSSCallStateError,
)
from trio_calls.state import AgentMode, CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    MAX_UNANSWERED_COMMANDS,
    CallProtocol,
    CommandDone,
    CommandFailed,
    SentCommand,
)
from trio_calls.wire.first.media_wire import FirstMedia

ALLOWED = {
    CallState.PENDING: {Command.ANSWER, Command.CONNECT, Command.CLOSE, Command.DISCONNECT},
    CallState.ANSWERED: {
        Command.CONNECT,
        Command.INTERRUPT,
        Command.CLOSE,
        Command.DISCONNECT,
    },
    CallState.CONNECTED: {
        Command.BARGE,
        Command.WHISPER,
        Command.SPY,
        Command.INTERRUPT,
        Command.CLOSE,
        Command.DISCONNECT,
    },
    CallState.DISCONNECTED: set(),
}

#: Where the success of a command takes the call, where that is not where it was.
AFTER = {
    Command.ANSWER: CallState.ANSWERED,
    Command.CONNECT: CallState.CONNECTED,
    Command.CLOSE: CallState.DISCONNECTED,
    Command.DISCONNECT: CallState.DISCONNECTED,
}

MODES = {
    Command.BARGE: AgentMode.BARGE,
    Command.WHISPER: AgentMode.WHISPER,
    Command.SPY: AgentMode.SPY,
}

EVERY_PAIR = list(itertools.product(CallState, Command))
LEGAL = [(state, command) for state, command in EVERY_PAIR if command in ALLOWED[state]]
ILLEGAL = [(state, command) for state, command in EVERY_PAIR if command not in ALLOWED[state]]


def response(sent: SentCommand, **data: object) -> str:
    return json.dumps({"type": "command_response", "data": {"command_id": sent.command_id, **data}})


def start(call: CallProtocol, command: Command) -> SentCommand:
    return call.start_command(command, ring_time_seconds=60 if command is Command.CONNECT else None)


def succeed(call: CallProtocol, command: Command) -> None:
    sent = start(call, command)
    assert call.receive(response(sent, success=True)) == CommandDone(sent.command_id, command)


def call_in(state: CallState) -> CallProtocol:
    call = CallProtocol(FirstMedia(AudioMode.MIXED), 2**20)
    if state in {CallState.ANSWERED, CallState.CONNECTED}:
        succeed(call, Command.ANSWER)
    if state is CallState.CONNECTED:
        succeed(call, Command.CONNECT)
    if state is CallState.DISCONNECTED:
        call.receive('{"type":"call_event","data":{"event":"call.terminated"}}')
    assert call.state is state
    return call


@pytest.mark.parametrize(("state", "command"), LEGAL)
def test_a_legal_command_yields_its_frame_and_moves_nothing_yet(
    state: CallState, command: Command
) -> None:
    call = call_in(state)
    sent = start(call, command)
    frame: dict[str, Any] = json.loads(sent.frame)
    expected: dict[str, Any] = {
        "command_id": sent.command_id,
        "command": command.value,
        "timeout_ms": 60000 if command is Command.CONNECT else 10000,
    }
    if command is Command.CONNECT:
        expected["data"] = {"ringTimeSeconds": 60}
    assert frame == {"type": "command", "data": expected}
    assert sent.wait_seconds == expected["timeout_ms"] / 1000 + 5
    assert uuid.UUID(sent.command_id).version == 4
    assert call.state is state


@pytest.mark.parametrize(("state", "command"), LEGAL)
def test_a_success_takes_the_call_where_the_table_says(state: CallState, command: Command) -> None:
    call = call_in(state)
    succeed(call, command)
    assert call.state is AFTER.get(command, state)


@pytest.mark.parametrize(("state", "command"), LEGAL)
def test_a_failure_leaves_the_call_where_it_is(state: CallState, command: Command) -> None:
    call = call_in(state)
    mode = call.mode
    sent = start(call, command)
    event = call.receive(response(sent, success=False, error_code="NO"))
    assert isinstance(event, CommandFailed)
    assert (call.state, call.mode) == (state, mode)


@pytest.mark.parametrize(("state", "command"), ILLEGAL)
def test_an_illegal_command_raises_and_changes_nothing(state: CallState, command: Command) -> None:
    call = call_in(state)
    outstanding = [start(call, legal) for legal in ALLOWED[state]]
    for _ in range(MAX_UNANSWERED_COMMANDS):
        with pytest.raises(WSSCallStateError, match=f"is not allowed in {state.name}"):
            call.start_command(command)
    assert call.state is state
    # Had the refused ones been expected, they would have pushed the legal ones out.
    for sent in outstanding:
        assert call.receive(response(sent, success=False)) is not None


@pytest.mark.parametrize("state", [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED])
def test_there_is_no_mode_outside_a_conference(state: CallState) -> None:
    assert call_in(state).mode is None


@pytest.mark.parametrize("state", [CallState.PENDING, CallState.ANSWERED])
def test_a_conference_begins_in_barge(state: CallState) -> None:
    call = call_in(state)
    succeed(call, Command.CONNECT)
    assert call.mode is AgentMode.BARGE


@pytest.mark.parametrize(("command", "mode"), MODES.items())
@pytest.mark.parametrize("before", MODES)
def test_a_mode_follows_its_command(command: Command, mode: AgentMode, before: Command) -> None:
    call = call_in(CallState.CONNECTED)
    succeed(call, before)
    succeed(call, command)
    assert call.mode is mode


@pytest.mark.parametrize("command", [Command.CLOSE, Command.DISCONNECT])
def test_there_is_no_mode_after_the_call(command: Command) -> None:
    call = call_in(CallState.CONNECTED)
    succeed(call, Command.WHISPER)
    succeed(call, command)
    assert call.mode is None


@pytest.mark.parametrize("seconds", [1, 1.5, 60, 120])
def test_the_ring_time_is_the_time_the_exchange_has(seconds: float) -> None:
    sent = call_in(CallState.PENDING).start_command(Command.CONNECT, ring_time_seconds=seconds)
    data = json.loads(sent.frame)["data"]
    assert data["data"] == {"ringTimeSeconds": seconds}
    assert data["timeout_ms"] == seconds * 1000
    assert sent.wait_seconds == seconds + 5


@pytest.mark.parametrize(
    "seconds", [0, 0.999, 120.001, 121, -1, float("nan"), float("inf"), 10**400, True, "60"]
)
def test_a_ring_time_beyond_1_to_120_s_is_a_value_error(seconds: Any) -> None:
    call = call_in(CallState.PENDING)
    outstanding = start(call, Command.ANSWER)
    for _ in range(MAX_UNANSWERED_COMMANDS):
        with pytest.raises(ValueError, match="from 1 to 120"):
            call.start_command(Command.CONNECT, ring_time_seconds=seconds)
    assert call.receive(response(outstanding, success=True)) is not None


def test_the_state_is_checked_before_the_ring_time() -> None:
    with pytest.raises(WSSCallStateError):
        call_in(CallState.CONNECTED).start_command(Command.CONNECT, ring_time_seconds=1000)


@pytest.mark.parametrize("state", [CallState.PENDING, CallState.ANSWERED])
def test_a_late_success_moves_the_call(state: CallState) -> None:
    call = call_in(state)
    late = start(call, Command.CONNECT)
    for _ in range(MAX_UNANSWERED_COMMANDS - 1):
        start(call, Command.CONNECT)
    assert call.receive(response(late, success=True)) is not None
    assert (call.state, call.mode) == (CallState.CONNECTED, AgentMode.BARGE)


def test_a_late_success_outside_the_table_moves_nothing() -> None:
    call = call_in(CallState.ANSWERED)
    first, second = start(call, Command.CONNECT), start(call, Command.CONNECT)
    call.receive(response(first, success=True))
    succeed(call, Command.SPY)
    assert call.receive(response(second, success=True)) is not None
    assert (call.state, call.mode) == (CallState.CONNECTED, AgentMode.SPY)


def test_the_oldest_of_many_unanswered_commands_is_forgotten() -> None:
    call = call_in(CallState.PENDING)
    sent = [start(call, Command.CONNECT) for _ in range(MAX_UNANSWERED_COMMANDS + 1)]
    assert call.receive(response(sent[0], success=True)) is None
    assert call.state is CallState.PENDING
    assert call.receive(response(sent[1], success=True)) is not None


def test_a_duplicate_response_is_counted_and_ignored() -> None:
    call = call_in(CallState.PENDING)
    sent = start(call, Command.ANSWER)
    call.receive(response(sent, success=True))
    assert call.receive(response(sent, success=False)) is None
    assert (call.state, call.invalid_messages) == (CallState.ANSWERED, 1)


def test_a_response_to_no_command_is_counted_and_ignored() -> None:
    call = call_in(CallState.PENDING)
    unknown = '{"type":"command_response","data":{"command_id":"?","success":true}}'
    assert call.receive(unknown) is None
    assert (call.state, call.invalid_messages) == (CallState.PENDING, 1)


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        ({"error_code": "CALL_UNANSWERED", "error_message": "no"}, "CALL_UNANSWERED", "no"),
        ({"error_code": "SOMETHING_NEWER"}, "SOMETHING_NEWER", None),
        ({"error_code": None, "error_message": "no"}, "UNKNOWN", "no"),
        ({}, "UNKNOWN", None),
    ],
)
def test_a_refusal_keeps_what_the_exchange_says(
    data: dict[str, str | None], code: str, message: str | None
) -> None:
    call = call_in(CallState.ANSWERED)
    event = call.receive(response(start(call, Command.CONNECT), success=False, **data))
    assert isinstance(event, CommandFailed)
    assert isinstance(event.error, WSSCallCommandError)
    assert (event.error.error_code, event.error.error_message) == (code, message)
    assert call.state is CallState.ANSWERED


def test_a_command_that_took_the_exchange_too_long_is_a_timeout() -> None:
    call = call_in(CallState.PENDING)
    sent = start(call, Command.ANSWER)
    event = call.receive(response(sent, success=False, error_code="TIMEOUT"))
    assert isinstance(event, CommandFailed)
    assert isinstance(event.error, WSSCallCommandTimeoutError)
    assert "call.answer" in str(event.error)


@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("signal", [Signal.TERMINATED, Signal.MEDIA_LOST])
def test_an_end_ends_whatever_is_not_over(state: CallState, signal: Signal) -> None:
    call = call_in(state)
    assert call.signal(signal) is (state is not CallState.DISCONNECTED)
    assert call.state is CallState.DISCONNECTED


def test_a_response_after_the_end_changes_nothing() -> None:
    call = call_in(CallState.ANSWERED)
    sent = start(call, Command.CONNECT)
    call.signal(Signal.MEDIA_LOST)
    assert call.receive(response(sent, success=True)) is None
    assert call.state is CallState.DISCONNECTED
