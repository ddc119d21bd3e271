from tests.transports import transport  # noqa: F401  # a fixture
