from tests.support.in_memory import *  # noqa: F403
from tests.support.wires import generate_on_wires_and_transports as pytest_generate_tests

__all__ = ["pytest_generate_tests"]
