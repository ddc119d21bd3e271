"""The files of `examples/deploy`, read."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from trio_calls.cli.run import run

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = CHECKOUT / "examples" / "deploy"


def read_documents(*parts: str) -> list[dict[str, Any]]:
    """Read the documents of a YAML file."""
    return list(yaml.safe_load_all(FILES.joinpath(*parts).read_text(encoding="utf-8")))


def read_document(*parts: str) -> dict[str, Any]:
    """Read a YAML file of one document."""
    (document,) = read_documents(*parts)
    return document


def options_of_run(arguments: Sequence[str]) -> dict[str, Any]:
    """Read arguments as `trio-calls run` does."""
    # A copy: whoever makes a context of a command outside of its group changes what its help says.
    return copy.copy(run).make_context("trio-calls run", list(arguments)).params
