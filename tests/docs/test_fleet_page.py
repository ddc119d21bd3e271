"""The page "See a fleet": the keys that it names. Its program is run with the tests of the room."""

from __future__ import annotations

from pathlib import Path

import pytest

from trio_calls.fleet import _keys

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "fleet.rst").read_text("utf-8")


@pytest.mark.pure
def test_the_page_has_every_key() -> None:
    keys = [
        _keys.WORKERS,
        _keys.worker_key("WORKER"),
        _keys.events_key("CALL"),
        _keys.orders_key("WORKER"),
        _keys.answers_key("ORDER"),
        _keys.sound_key("ORDER"),
    ]
    table = PAGE.partition("What is in Redis")[2]
    assert [key for key in keys if f"``{key}``" not in table] == []
