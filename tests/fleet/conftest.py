"""A real redis-server for each test that asks for one, in real time, which it lives in.

What needs no server asks for the fixture `virtual_time`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.in_memory import no_task_left, simulator, wire
from tests.support.redis_server import RedisServer, open_redis_server
from tests.support.transports import generate_on_one_transport as pytest_generate_tests
from tests.support.transports import transport

__all__ = ["no_task_left", "pytest_generate_tests", "simulator", "transport", "wire"]


@pytest.fixture
def virtual_time() -> None:
    """Run the test in virtual time; see `tests/conftest.py`."""


@pytest.fixture
async def redis_server() -> AsyncIterator[RedisServer]:
    """A redis-server that is empty, or a skipped test."""
    async with open_redis_server() as server:
        yield server
