"""A minute of kill -9: of workers, of the dispatcher and of Redis, at moments that nobody chose."""

from __future__ import annotations

import pytest

from benchmarks.fleet import chaos
from benchmarks.fleet.chaos import Chaos, run_chaos
from tests.support.redis_server import find_redis_server
from tests.support.requirements import do_without
from trio_calls.simulator import open_simulator

pytestmark = [pytest.mark.slow, pytest.mark.pure]


class Nobody:
    """A process that is none."""

    has_crashed = False

    async def start(self) -> None:
        pass

    async def kill(self) -> None:
        pass


async def test_every_caller_is_answered_or_told() -> None:
    if find_redis_server() is None:
        do_without("redis", "without redis-server: install it from the system's packages")
    outcome = await run_chaos(60, seed=8)
    assert outcome.is_good, outcome.report()
    # Most are, however often somebody dies.
    assert outcome.answered > outcome.told
    assert set(outcome.kills) == {"worker", "dispatcher", "redis"}


@pytest.mark.usefixtures("virtual_time")
async def test_it_finds_those_who_ring_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody is there at all.
    monkeypatch.setattr(chaos, "WEIGHTS", {"nobody": 1})
    async with open_simulator() as simulator:
        outcome = await Chaos(simulator, [("nobody", Nobody())], seed=1).run(10)
    assert outcome.rang_on == len(simulator.calls) > 5
    assert (outcome.answered, outcome.told) == (0, 0)
    assert not outcome.is_good
