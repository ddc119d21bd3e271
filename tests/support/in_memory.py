"""What the tests on memory streams share: virtual time, exchanges, a look for leftovers.

A folder of such tests has all of it with ``from tests.support.in_memory import *`` in its conftest.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from tests.support.peers.exchange import FakeExchange, open_exchange
from tests.support.peers.one_call import FakeMedia
from tests.support.transports import pytest_generate_tests, transport
from trio_calls.config import WireName
from trio_calls.simulator import Simulator, open_simulator

__all__ = [
    "exchange",
    "fake_media",
    "no_task_left",
    "pytest_generate_tests",
    "simulator",
    "transport",
    "virtual_time",
    "wire",
]


@pytest.fixture(autouse=True)
def virtual_time() -> None:
    """Run the test in virtual time, whether it asks for a clock or not; see `tests/conftest.py`."""


def tasks_of_ours() -> list[str]:
    """Name the tasks of trio_calls, and of the WebSocket library under it, that live, in order."""
    root = trio.lowlevel.current_root_task()
    assert root is not None

    def walk(task: trio.lowlevel.Task) -> Iterator[str]:
        if "trio_calls" in task.name or "trio_websocket" in task.name:
            yield task.name
        for nursery in task.child_nurseries:
            for child in nursery.child_tasks:
                yield from walk(child)

    return sorted(walk(root))


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    yield
    assert tasks_of_ours() == []


@pytest.fixture
def wire() -> WireName:
    """Which generation is spoken to the simulator: see `tests.support.wires`."""
    return "first"


@pytest.fixture
async def simulator(no_task_left: None, wire: WireName) -> AsyncIterator[Simulator]:
    async with open_simulator(wire=wire) as simulator:
        yield simulator


@pytest.fixture
async def fake_media(no_task_left: None, nursery: trio.Nursery, wire: WireName) -> FakeMedia:
    return FakeMedia(nursery, wire)


@pytest.fixture
async def exchange(no_task_left: None, wire: WireName) -> AsyncIterator[FakeExchange]:
    async with open_exchange(wire) as exchange:
        yield exchange
