"""A rolling replacement of two workers, so that its benchmark never rots; and what it notices."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from benchmarks.fleet import callers
from benchmarks.fleet.callers import RollingCall, call_audio
from benchmarks.fleet.rolling import Plan, markdown, measure

pytestmark = [pytest.mark.pure, pytest.mark.slow]


@pytest.fixture(autouse=True)
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    # It logs each frame.
    monkeypatch.setattr(logging.getLogger("websockets.server"), "disabled", True)


def test_no_caller_notices_that_workers_are_replaced() -> None:
    plan = Plan(calls=20, workers=2, shortest_seconds=1, longest_seconds=2, filling_seconds=0.5)
    rolling = asyncio.run(measure(plan))
    assert rolling.broken_promises() == []
    assert [one.status for one in rolling.replacements] == [0, 0]
    assert sum(one.calls for one in rolling.replacements) > 0
    assert rolling.placed > 30
    assert set().union(*rolling.shares) == {f"worker {number}" for number in (1, 2, 3, 4)}
    assert "| callers who were hung up on | 0 | 0 |" in markdown(rolling)
    assert attrs.evolve(rolling, cut=1).broken_promises() == ["calls were cut"]
    late = attrs.evolve(rolling, wait_longest_seconds=2.1)
    assert late.broken_promises() == ["an offer waited too long"]


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_caller_notices_who_hung_up(is_cut: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "ECHO_SECONDS", 0)

    async def live() -> RollingCall:
        call = RollingCall(0, call_audio())
        connection: Any = SimpleNamespace(send=lambda frames: None, finish=call.lost)
        call.opened_by(connection)
        call.receive_text({"type": "command", "data": {"command": "call.answer", "command_id": ""}})
        assert call.is_talking
        if is_cut:
            call.lost()
        await call.talk(seconds=0)
        return call

    call = asyncio.run(live())
    assert call.was_cut is is_cut
    assert not call.is_talking
