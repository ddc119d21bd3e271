from tests.support.in_memory import virtual_time  # noqa: F401
