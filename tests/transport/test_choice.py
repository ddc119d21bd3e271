"""Which WebSocket library is used, and what happens where one is not installed."""

import sys
from typing import get_args

import pytest

from trio_calls import ClientConfig, WSSConfigError
from trio_calls.config import TransportName
from trio_calls.transport import WebSocketError, _opening, _trio_websocket

pytestmark = pytest.mark.pure

MODULE = "trio_calls.transport._websockets_handshake"


@pytest.fixture
def no_websockets(monkeypatch: pytest.MonkeyPatch) -> None:
    import trio_calls.transport as package  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, MODULE, None)
    monkeypatch.delattr(package, "_websockets_handshake", raising=False)


def test_auto_takes_websockets_where_it_is_installed() -> None:
    assert _opening._find("auto").connect is not _trio_websocket.connect
    assert _opening._find("websockets") == _opening._find("auto")


def test_trio_websocket_can_be_asked_for() -> None:
    assert _opening._find("trio-websocket").connect is _trio_websocket.connect


@pytest.mark.usefixtures("no_websockets")
def test_auto_takes_trio_websocket_where_websockets_is_missing() -> None:
    assert _opening._find("auto").connect is _trio_websocket.connect


@pytest.mark.usefixtures("no_websockets")
def test_a_library_that_is_missing_is_named_with_what_to_do() -> None:
    with pytest.raises(WebSocketError, match="install the extra 'speedups' of trio-calls"):
        _opening._find("websockets")


@pytest.mark.parametrize("transport", get_args(TransportName))
def test_every_transport_of_the_settings_has_a_library(transport: TransportName) -> None:
    assert _opening._find(transport).connect is not None


def test_a_transport_that_does_not_exist_is_refused() -> None:
    with pytest.raises(WSSConfigError, match="transport must be one of"):
        ClientConfig.sandbox(api_key="k", connector_uuid="c", transport="carrier pigeon")
