"""What a test needs of the system, and what happens where that is not installed."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_required(name: str) -> bool:
    """Tell whether tests are to fail, rather than be skipped, where something is not installed."""
    return name in os.environ.get("TRIO_CALLS_REQUIRE", "").split(",")


def do_without(name: str, missing: str) -> NoReturn:
    """Skip the test that runs, or fail it if what it needs is required."""
    if is_required(name):
        pytest.fail(missing)
    pytest.skip(missing)
