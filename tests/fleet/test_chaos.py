"""A minute of kill -9: of workers, of the dispatcher and of Redis, at moments that nobody chose."""

from __future__ import annotations

import pytest

from benchmarks.fleet.chaos import run_chaos
from tests.support.redis_server import find_redis_server
from tests.support.requirements import do_without

pytestmark = [pytest.mark.slow, pytest.mark.pure]


async def test_every_caller_is_answered_or_told() -> None:
    if find_redis_server() is None:
        do_without("redis", "without redis-server: install it from the system's packages")
    outcome = await run_chaos(60, seed=8)
    assert outcome.rang_on == 0, outcome.report()
    # Most are, however often somebody dies.
    assert outcome.answered > outcome.told
    assert set(outcome.kills) == {"worker", "dispatcher", "redis"}
