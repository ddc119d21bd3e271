from tests.support.agent_files import same_imports  # noqa: F401
