"""Agents that are written by a test."""

from pathlib import Path


def agent_file(folder: Path, source: str, name: str = "my_agent.py") -> str:
    path = folder / name
    path.write_text(source)
    return str(path)
