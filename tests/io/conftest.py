"""What the tests on memory streams share: virtual time, exchanges, a look for leftovers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio

from tests.fake_exchange import FakeExchange, open_exchange
from tests.fake_media import FakeMedia
from tests.transports import transport  # noqa: F401  # a fixture
from trio_calls.simulator import Simulator, open_simulator
from trio_calls.testing import run_in_virtual_time


@pytest.hookimpl(trylast=True)  # pytest-trio marks the tests first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test of this folder virtual time, whether it asks for a clock or not."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("trio"):
            item.add_marker(pytest.mark.trio(run=run_in_virtual_time), append=False)


def tasks_of_ours() -> list[str]:
    """Name the tasks of trio_calls, and of the WebSocket library under it, that are alive."""
    root = trio.lowlevel.current_root_task()
    assert root is not None

    def walk(task: trio.lowlevel.Task) -> Iterator[str]:
        if "trio_calls" in task.name or "trio_websocket" in task.name:
            yield task.name
        for nursery in task.child_nurseries:
            for child in nursery.child_tasks:
                yield from walk(child)

    return list(walk(root))


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    yield
    assert tasks_of_ours() == []


@pytest.fixture
async def simulator(no_task_left: None) -> AsyncIterator[Simulator]:
    async with open_simulator() as simulator:
        yield simulator


@pytest.fixture
async def fake_media(no_task_left: None, nursery: trio.Nursery) -> FakeMedia:
    return FakeMedia(nursery)


@pytest.fixture
async def exchange(no_task_left: None) -> AsyncIterator[FakeExchange]:
    async with open_exchange() as exchange:
        yield exchange
