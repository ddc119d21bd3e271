"""The tables of the events that commands end with, against those that they mirror."""

import pytest

from trio_calls import events
from trio_calls.call import core
from trio_calls.state import FAILURE

pytestmark = pytest.mark.pure


def test_commands_whose_failure_is_a_signal_tell_how_they_ended() -> None:
    assert set(core._FAILED_EVENTS) == set(FAILURE)
    assert set(core._DONE_EVENTS) == set(FAILURE)


def test_every_event_of_a_failed_command_is_told() -> None:
    failed = {event for event in events.CALL_EVENTS if event.endswith("_failed")}
    assert set(core._FAILED_EVENTS.values()) == failed
