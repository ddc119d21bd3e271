"""A browser for the tests of this folder, and a server that does as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import MICROPHONE, Browser, find_chromium, open_browser
from tests.support.requirements import do_without

if TYPE_CHECKING:
    from tests.support.peers.phone_server import PhoneServer

PACKAGES = ("playwright", "axe_playwright_python", "starlette", "hypercorn")


def what_is_missing() -> str | None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        return f"without {missing[0]}: install the extra 'browser'"
    return None if find_chromium() else "without Chromium: install it from the system's packages"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start one Chromium for all tests, or skip them where there is none."""
    if missing := what_is_missing():
        do_without("chromium", missing)
    with open_browser(find_chromium() or "", *MICROPHONE) as browser:
        yield browser


@pytest.fixture
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """The browser, whose pages are closed after each test."""
    yield chromium
    await chromium.close_pages()


@pytest.fixture
async def server(chromium: Browser) -> AsyncIterator[PhoneServer]:
    """A server for the page. It is gone before the pages are: they may outlive it."""
    from tests.support.peers.phone_server import open_phone_server  # noqa: PLC0415 - an extra's

    async with open_phone_server() as server:
        yield server
