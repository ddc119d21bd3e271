"""Tables that mirror an enum have all its members, so that a new one cannot be forgotten there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from tests.support import exchange_model
from trio_calls.audio_format import AudioMode
from trio_calls.simulator.exchange.commands import POSSIBLE_IN
from trio_calls.simulator.exchange.media_connection import MESSAGES_A_TICK
from trio_calls.simulator.phones.conference import AGENT_IS_HEARD_BY
from trio_calls.state import AgentMode, CallState, Command

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("table", "members"),
    [
        pytest.param(POSSIBLE_IN, Command, id="POSSIBLE_IN"),
        pytest.param(AGENT_IS_HEARD_BY, [None, *AgentMode], id="AGENT_IS_HEARD_BY"),
        pytest.param(MESSAGES_A_TICK, AudioMode, id="MESSAGES_A_TICK"),
    ],
)
def test_a_table_has_every_member(
    table: Mapping[object, object], members: Iterable[object]
) -> None:
    assert set(table) == set(members)


def test_the_model_has_every_command_and_mode() -> None:
    assert set(exchange_model.POSSIBLE_IN) == {command.value for command in Command}
    assert set(exchange_model.AGENT_IS_HEARD_BY) == {None, *(mode.name for mode in AgentMode)}


def test_a_command_is_possible_somewhere_before_the_end() -> None:
    for command, states in POSSIBLE_IN.items():
        assert states, command
        assert CallState.DISCONNECTED not in states
