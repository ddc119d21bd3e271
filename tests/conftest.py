"""What holds for every test."""

import logging

import pytest

from tests.support.secret_search import SecretSearch
from trio_calls.testing import run_in_virtual_time

# A machine that is busy with other things would make it warn where tests count warnings.
logging.getLogger("trio_calls.watchdog").disabled = True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SecretSearch())


@pytest.hookimpl(trylast=True)  # pytest-trio marks the tests first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give virtual time to the tests on memory streams: those with the fixture of that name."""
    for item in items:
        if "virtual_time" in getattr(item, "fixturenames", ()) and item.get_closest_marker("trio"):
            item.add_marker(pytest.mark.trio(run=run_in_virtual_time), append=False)
