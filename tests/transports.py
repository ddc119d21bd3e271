"""Every test of the folders that import this fixture runs on both WebSocket libraries."""

import pytest

from trio_calls.transport import _opening


@pytest.fixture(autouse=True, params=["websockets", "trio-websocket"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``auto`` comes to, for both ends of every connection."""
    name: str = request.param
    monkeypatch.setattr(_opening, "PREFERRED", name)
    return name
