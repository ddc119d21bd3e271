"""Which wires are tried over which transports."""

import pytest

from tests.support.transports import TRANSPORTS
from tests.support.wires import WIRES, pairs

pytestmark = pytest.mark.pure


def test_each_wire_and_each_transport_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIO_CALLS_ALL_PAIRS", raising=False)
    wires, transports = zip(*pairs(), strict=True)
    assert sorted(wires) == sorted(WIRES)
    assert sorted(transports) == sorted(TRANSPORTS)


def test_or_each_wire_over_each_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_CALLS_ALL_PAIRS", "yes")
    assert len(set(pairs())) == len(WIRES) * len(TRANSPORTS)
