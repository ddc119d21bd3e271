import pytest

from tests.support.testing_plugin import *  # noqa: F403
from trio_calls.config import WireName


@pytest.fixture
def wire() -> WireName:
    """Which generation is spoken to the simulator: see `tests.support.wires`."""
    return "first"


@pytest.fixture
def trio_calls_wire(wire: WireName) -> WireName:
    return wire
