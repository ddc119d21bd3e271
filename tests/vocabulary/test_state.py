import itertools

import pytest

from trio_calls import ActiveCall
from trio_calls.errors import WSSCallStateError
from trio_calls.state import (
    COMMAND_FOR,
    FAILURE,
    METHODS,
    MODE_AFTER,
    STATES_WITH_AUDIO,
    SUCCESS,
    TRANSITIONS,
    AgentMode,
    CallState,
    Command,
    Signal,
    allowed_methods,
    illegal,
    is_legal,
    next_state,
    require_legal,
)

#: What the protocol page says, and the design: from state, by signal, to state.
EXPECTED = {
    ("PENDING", "ANSWERED"): "ANSWERED",
    ("PENDING", "ANSWER_FAILED"): "PENDING",
    ("PENDING", "CONNECTED"): "CONNECTED",
    ("PENDING", "CONNECT_FAILED"): "PENDING",
    ("PENDING", "CLOSED"): "DISCONNECTED",
    ("PENDING", "DISCONNECTED"): "DISCONNECTED",
    ("PENDING", "HANDED_OVER"): "DISCONNECTED",
    ("PENDING", "TERMINATED"): "DISCONNECTED",
    ("PENDING", "MEDIA_LOST"): "DISCONNECTED",
    ("ANSWERED", "CONNECTED"): "CONNECTED",
    ("ANSWERED", "CONNECT_FAILED"): "ANSWERED",
    ("ANSWERED", "INTERRUPTED"): "ANSWERED",
    ("ANSWERED", "AUDIO"): "ANSWERED",
    ("ANSWERED", "CLOSED"): "DISCONNECTED",
    ("ANSWERED", "DISCONNECTED"): "DISCONNECTED",
    ("ANSWERED", "TERMINATED"): "DISCONNECTED",
    ("ANSWERED", "MEDIA_LOST"): "DISCONNECTED",
    ("CONNECTED", "BARGING"): "CONNECTED",
    ("CONNECTED", "WHISPERING"): "CONNECTED",
    ("CONNECTED", "SPYING"): "CONNECTED",
    ("CONNECTED", "INTERRUPTED"): "CONNECTED",
    ("CONNECTED", "AUDIO"): "CONNECTED",
    ("CONNECTED", "CLOSED"): "DISCONNECTED",
    ("CONNECTED", "DISCONNECTED"): "DISCONNECTED",
    ("CONNECTED", "TERMINATED"): "DISCONNECTED",
    ("CONNECTED", "MEDIA_LOST"): "DISCONNECTED",
}

AUDIO_METHODS = {
    "send_audio()",
    "send_audio_nowait()",
    "audio_stream()",
    "clear_send_audio_buffer()",
}

#: The protocol page's "what may be called", and what is ours: `close()`,
#: `disconnect()` and `hand_over()` when PENDING.
ALLOWED = {
    "PENDING": {"answer()", "connect()", "close()", "disconnect()", "hand_over()"},
    "ANSWERED": {"connect()", "close()", "disconnect()"} | AUDIO_METHODS,
    "CONNECTED": {"barge()", "whisper()", "spy()", "close()", "disconnect()"} | AUDIO_METHODS,
    "DISCONNECTED": set(),
}

EVERY_PAIR = list(itertools.product(CallState, Signal))
LEGAL = [pair for pair in EVERY_PAIR if (pair[0].name, pair[1].name) in EXPECTED]
ILLEGAL = [pair for pair in EVERY_PAIR if (pair[0].name, pair[1].name) not in EXPECTED]
FORBIDDEN_CALLS = [(state, signal) for state, signal in ILLEGAL if signal in METHODS]


def test_the_expected_table_has_existing_states_and_signals() -> None:
    assert len(LEGAL) == len(EXPECTED)


@pytest.mark.parametrize(("state", "signal"), LEGAL)
def test_a_legal_signal_does_what_the_documented_table_says(
    state: CallState, signal: Signal
) -> None:
    assert is_legal(state, signal)
    assert next_state(state, signal) is CallState[EXPECTED[state.name, signal.name]]


@pytest.mark.parametrize(("state", "signal"), ILLEGAL)
def test_an_illegal_signal_raises(state: CallState, signal: Signal) -> None:
    assert not is_legal(state, signal)
    with pytest.raises(WSSCallStateError, match=state.name):
        next_state(state, signal)


@pytest.mark.parametrize("signal", Signal)
def test_disconnected_is_final(signal: Signal) -> None:
    assert not is_legal(CallState.DISCONNECTED, signal)


@pytest.mark.parametrize("state", CallState)
def test_a_state_allows_what_the_documentation_says(state: CallState) -> None:
    methods = allowed_methods(state)
    assert set(methods) == ALLOWED[state.name]
    assert len(methods) == len(ALLOWED[state.name])


@pytest.mark.parametrize(("state", "signal"), [pair for pair in LEGAL if pair[1] in METHODS])
def test_what_a_state_allows_is_let_through(state: CallState, signal: Signal) -> None:
    require_legal(state, signal)


@pytest.mark.parametrize(("state", "signal"), FORBIDDEN_CALLS)
def test_a_refusal_names_method_state_and_what_is_allowed(state: CallState, signal: Signal) -> None:
    with pytest.raises(WSSCallStateError) as caught:
        require_legal(state, signal)
    sentence, _, allowed = str(caught.value).partition("; allowed: ")
    assert sentence == f"{METHODS[signal][0]} is not allowed in {state.name}"
    if state is CallState.DISCONNECTED:
        assert allowed == "nothing: the call is over"
    else:
        assert set(allowed.split(", ")) == ALLOWED[state.name]


def test_a_refusal_uses_the_name_that_the_application_called() -> None:
    error = illegal(CallState.PENDING, "audio_stream()")
    assert str(error).startswith("audio_stream() is not allowed in PENDING; allowed: ")


def test_the_states_with_audio_are_those_of_the_table() -> None:
    assert {state for state in CallState if is_legal(state, Signal.AUDIO)} == STATES_WITH_AUDIO
    assert {CallState.ANSWERED, CallState.CONNECTED} == STATES_WITH_AUDIO


@pytest.mark.parametrize("command", Command)
def test_every_command_has_a_signal_with_a_public_name(
    command: Command,
) -> None:
    assert SUCCESS[command] in METHODS
    assert [other for other in Command if SUCCESS[other] is SUCCESS[command]] == [command]


def test_the_table_has_every_state_and_every_signal() -> None:
    assert TRANSITIONS.keys() == set(CallState)
    assert {signal for signals in TRANSITIONS.values() for signal in signals} == set(Signal)


def test_applications_can_name_commands_audio_and_handing_over() -> None:
    assert METHODS.keys() == {*SUCCESS.values(), Signal.AUDIO, Signal.HANDED_OVER}


@pytest.mark.parametrize("method", [name for names in METHODS.values() for name in names])
def test_what_applications_can_name_is_a_method_of_the_call(method: str) -> None:
    assert callable(getattr(ActiveCall, method.removesuffix("()")))


def test_every_mode_comes_after_some_signal() -> None:
    assert set(MODE_AFTER.values()) == set(AgentMode)
    assert [MODE_AFTER[SUCCESS[COMMAND_FOR[mode]]] for mode in AgentMode] == list(AgentMode)


def test_every_failure_that_is_a_signal_belongs_to_one_command() -> None:
    failures = [signal for signal in Signal if signal.name.endswith("_FAILED")]
    assert sorted(FAILURE.values(), key=failures.index) == failures
    for command, signal in FAILURE.items():
        assert signal.name == f"{command.name}_FAILED"
