from tests.support.in_memory import *  # noqa: F403
from tests.support.transports import generate_on_one_transport as pytest_generate_tests

__all__ = ["pytest_generate_tests"]
