from tests.support.in_memory import *  # noqa: F403
