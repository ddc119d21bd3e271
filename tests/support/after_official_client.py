"""What holds after each test with the official client."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterator

import pytest

#: Trio keeps threads that have nothing to do for a while, for whoever needs one next.
_IDLE_THREAD = "Trio thread "


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    # What was not closed or not awaited says so when it is collected: in its own test, this way.
    yield
    gc.collect()
    after = set(threading.enumerate()) - before
    assert [thread for thread in after if not thread.name.startswith(_IDLE_THREAD)] == []


@pytest.fixture(autouse=True)
def the_official_client_logged_no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """It catches what its handlers raise, ours included, and only logs it."""
    yield
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.levelno >= logging.WARNING] == []
