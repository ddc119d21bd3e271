"""What holds for every test."""

import logging

import pytest

from tests.secret_search import SecretSearch

# A machine that is busy with other things would make it warn where tests count warnings.
logging.getLogger("trio_calls.watchdog").disabled = True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SecretSearch())
