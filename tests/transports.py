"""What is behind the seam of `trio_calls.transport`, and the fixture that runs a test on each."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol

import pytest
import trio

from trio_calls.config import StreamOpener
from trio_calls.transport import WebSocket, _opening, connect_websocket


class Connect(Protocol):
    """How a transport opens a WebSocket as a client."""

    async def __call__(
        self,
        nursery: trio.Nursery,
        url: str,
        *,
        headers: Mapping[str, str],
        ssl_context: ssl.SSLContext | None,
        open_stream: StreamOpener | None,
        within_seconds: float,
    ) -> WebSocket: ...


TRANSPORTS: Final[dict[str, Connect]] = {
    "websockets": partial(connect_websocket, transport="websockets"),
    "trio-websocket": partial(connect_websocket, transport="trio-websocket"),
}

#: For what only the fast transport does, or what would take too long twice.
on_one_transport: Final = pytest.mark.parametrize("transport", ["websockets"], indirect=True)


@pytest.fixture(autouse=True, params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Run every test of a folder on each transport; for both ends, where both are ours.

    A test must fail where it is marked with `deviates`.
    """
    monkeypatch.setattr(_opening, "PREFERRED", request.param)
    for mark in request.node.iter_markers("deviates"):
        name, reason = mark.args
        if name == request.param:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    return TRANSPORTS[request.param]
