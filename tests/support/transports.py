"""What is behind the seam of `trio_calls.transport`, and the fixture that runs a test on each."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test of a folder on each transport, unless it is pure, or chooses one itself."""
    generate_on(metafunc, TRANSPORTS)


def generate_on_one_transport(metafunc: pytest.Metafunc) -> None:
    """Run every test of a folder on one transport, unless it is pure, or chooses one itself.

    For what stands on calls: what these stand on is tested on each.
    """
    generate_on(metafunc, ["websockets"])


def generate_on(metafunc: pytest.Metafunc, transports: Iterable[str]) -> None:
    """Run a test on these transports, unless it is pure, or chooses one itself."""
    is_pure = metafunc.definition.get_closest_marker("pure") is not None
    if not is_pure and not is_chosen(metafunc, "transport"):
        metafunc.parametrize("transport", transports, indirect=True)


def is_chosen(metafunc: pytest.Metafunc, name: str) -> bool:
    """Return whether a test says itself with which values of a parameter it runs."""
    return chosen(metafunc, name) is not None


def chosen(metafunc: pytest.Metafunc, name: str) -> Sequence[object] | None:
    """Return with which values of a parameter a test says that it runs; None if it does not."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names, values = mark.args
        if isinstance(names, str):
            if names == name:
                return list(values)
        elif name in names:
            place = names.index(name)
            return [each[place] for each in values]
    return None


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Put a transport behind the seam; for both ends, where both are ours.

    A test must fail where it is marked with `deviates`.
    """
    name = getattr(request, "param", _opening.PREFERRED)
    monkeypatch.setattr(_opening, "PREFERRED", name)
    for mark in request.node.iter_markers("deviates"):
        transport, reason = mark.args
        if transport == name:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    return TRANSPORTS[name]
