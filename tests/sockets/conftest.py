from tests.support.transports import pytest_generate_tests, transport  # noqa: F401
