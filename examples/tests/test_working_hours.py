"""People at work, and an agent for the rest of the week."""

from datetime import UTC, datetime, timedelta

import pytest

from examples.recipes import working_hours
from trio_calls import CallState
from trio_calls.simulator import PhoneState, Simulator, answers, never_answers
from trio_calls.testing import WavLoader, heard, hears, run_agent

#: A Monday, and a Sunday, at noon.
AT_WORK = datetime(2026, 11, 30, 12, tzinfo=working_hours.OFFICE)
AT_HOME = AT_WORK - timedelta(days=1)

P, A, C, D = CallState.PENDING, CallState.ANSWERED, CallState.CONNECTED, CallState.DISCONNECTED


async def test_people_at_work_have_the_call_to_themselves(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_hours, "now", lambda: AT_WORK)
    async with run_agent(working_hours.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=5))
        await call.wait_agent_left()
        await call.callee.say(wav("callee_hello.wav"))
        await hears(call.caller, wav("callee_hello.wav"))
        call.caller.hang_up()
    assert call.agent_states == [P, C, D]


async def test_who_does_not_pick_up_is_excused(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_hours, "now", lambda: AT_WORK)
    async with run_agent(working_hours.handle_call, simulator):
        call = simulator.place_call(pickup=never_answers())
        await call.wait_ended()
    heard(call.caller, wav("not_available.wav"))
    assert call.agent_states == [P, A, D]


async def test_on_a_sunday_nobodys_phone_rings(
    simulator: Simulator, wav: WavLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_hours, "now", lambda: AT_HOME)
    async with run_agent(working_hours.handle_call, simulator):
        call = simulator.place_call(pickup=answers(after_seconds=0))
        await call.caller.wait_talking()
        assert call.callee.state is PhoneState.IDLE
        await call.wait_ended()
    heard(call.caller, wav("not_available.wav"))
    assert call.callee.heard == b""
    assert call.agent_states == [P, A, D]


@pytest.mark.parametrize(
    ("moment", "is_there"),
    [
        (datetime(2026, 11, 30, 7, 59, 59, tzinfo=UTC), False),  # a Monday, in winter
        (datetime(2026, 11, 30, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 16, 29, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 16, 30, tzinfo=UTC), False),
        (datetime(2026, 6, 29, 7, 0, tzinfo=UTC), True),  # in summer it is an hour earlier
        (datetime(2026, 6, 29, 6, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 12, 5, 10, 0, tzinfo=UTC), False),  # a Saturday
    ],
)
def test_hours_are_those_of_the_office(moment: datetime, is_there: bool) -> None:
    assert working_hours.is_somebody_there(moment) is is_there
