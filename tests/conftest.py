"""What holds for every test."""

import gc
import logging
from collections.abc import Generator

import pytest

from tests.support.secret_search import SecretSearch
from trio_calls.testing import run_in_virtual_time

# A machine that is busy with other things would make it warn where tests count warnings.
logging.getLogger("trio_calls.watchdog").disabled = True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SecretSearch())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collector pass over all that there is before the first test.

    Ten thousand tests are a million objects, which stay to the end. To look through them takes
    longer than most tests, and tests that look for what is left look often.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)  # pytest-trio marks the tests first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give virtual time to the tests on memory streams: those with the fixture of that name."""
    for item in items:
        if "virtual_time" in getattr(item, "fixturenames", ()) and item.get_closest_marker("trio"):
            item.add_marker(pytest.mark.trio(run=run_in_virtual_time), append=False)
