"""Type checkers know the type of all that is public, without guessing. basedpyright judges."""

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trio_calls._public_names import PUBLIC_MODULES

pytestmark = pytest.mark.slow


def public_names() -> Iterator[str]:
    """List what the public modules export, by the file that each of it stands in."""
    for module in PUBLIC_MODULES:
        path = importlib.import_module(module).__file__
        assert path is not None
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{name.name}" for name in node.names)
    yield "trio_calls.events"


def symbols() -> list[dict[str, Any]]:
    """Ask for everything that basedpyright takes for public, which is far more."""
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "basedpyright", "--verifytypes", "trio_calls"),
            *("--ignoreexternal", "--outputjson"),
        ],
        # It looks for the package as this interpreter does, but only if told which one that is.
        env=os.environ
        | {"VIRTUAL_ENV": sys.prefix, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    found: list[dict[str, Any]] = json.loads(finished.stdout)["typeCompleteness"]["symbols"]
    return found


def test_every_public_name_has_a_type_that_is_known() -> None:
    prefixes = tuple(f"{name}." for name in public_names())
    public = [symbol for symbol in symbols() if f"{symbol['name']}.".startswith(prefixes)]
    assert len(public) > 250
    unclear = [symbol["name"] for symbol in public if not symbol["isTypeKnown"]]
    assert unclear == []
