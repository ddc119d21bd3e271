"""What the benchmark of phones counts: clicks that come back, and times without a frame."""

from __future__ import annotations

import time

import pytest

from benchmarks.phone.tabs import FRAME_BYTES, Tab

pytestmark = pytest.mark.pure


def test_it_counts_gaps_and_times_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    tab = Tab("http://127.0.0.1:1/?token=x", has_protocol=True)
    heard = tab.measure()
    tab._clicked_at = 100.0
    click = b"\1" * FRAME_BYTES
    for pause, frame in [(0.02, bytes(FRAME_BYTES)), (0.05, click), (0.02, click), (0.15, click)]:
        now += pause
        tab._note(frame)
    assert heard.frames == 4
    assert heard.gaps == 1
    assert heard.delays == pytest.approx([0.07])
