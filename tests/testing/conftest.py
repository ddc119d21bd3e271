from tests.support.testing_plugin import *  # noqa: F403
