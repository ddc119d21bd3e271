"""Agents that are written by a test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def agent_file(folder: Path, source: str, name: str = "my_agent.py") -> str:
    path = folder / name
    path.write_text(source)
    return str(path)


@pytest.fixture(autouse=True)
def same_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the agents that a test has written and imported, and where from."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name, module in list(sys.modules.items()):
        if tmp_path in Path(getattr(module, "__file__", None) or "/").parents:
            del sys.modules[name]
