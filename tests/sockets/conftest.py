from tests.support.memory_ports import *  # noqa: F403
from tests.support.transports import pytest_generate_tests, transport  # noqa: F401
