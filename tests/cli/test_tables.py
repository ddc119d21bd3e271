"""Tables of the commands that mirror an enum, against the enum."""

import pytest

from trio_calls.cli import values
from trio_calls.cli.call_watch import _STATE_EVENTS
from trio_calls.cli.live_view import _STYLES
from trio_calls.state import CallState
from trio_calls.wire.dialing import PickupKind

#: A call begins in PENDING, and has left DISCONNECTED to the words "over" and "agent left".
ENTERED_LATER = [CallState.ANSWERED, CallState.CONNECTED]


def test_every_state_that_a_call_moves_to_is_shown_as_an_event() -> None:
    assert [*_STATE_EVENTS] == ENTERED_LATER
    assert set(CallState) == {CallState.PENDING, CallState.DISCONNECTED, *ENTERED_LATER}


def test_every_state_that_the_display_shows_has_a_style() -> None:
    assert {CallState[name] for name in _STYLES} == set(CallState) - {CallState.DISCONNECTED}


@pytest.mark.parametrize("kind", PickupKind)
def test_every_kind_of_pickup_can_be_dialed(kind: PickupKind) -> None:
    assert values.pickup(kind.value)[0] is kind
