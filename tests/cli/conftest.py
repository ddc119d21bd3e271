from tests.support.agent_files import same_imports  # noqa: F401
from tests.support.memory_ports import *  # noqa: F403
