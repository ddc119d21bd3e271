"""The simulation of even shares, and the figures of it that the documentation shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.fleet.shares import WORKERS, Figures, measure
from benchmarks.report import RESULTS

pytestmark = pytest.mark.pure

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "deploy.rst"


@pytest.mark.parametrize("scene", ["steady", "burst"])
def test_a_small_fleet(scene: str) -> None:
    shared = measure(scene, 3, is_even=True)
    race = measure(scene, 3, is_even=False)
    assert shared.above < 0.15 < race.above
    assert race.longest_wait < shared.longest_wait < 0.2
    assert shared.calls == race.calls


def test_the_page_shows_what_was_measured() -> None:
    told = json.loads((RESULTS / "shares" / "shares.json").read_text())
    rows = {(row.scene, row.is_even, row.workers): row for row in (Figures(**row) for row in told)}
    page = PAGE.read_text()
    for workers in WORKERS:
        steady, burst = rows["steady", True, workers], rows["burst", True, workers]
        race = rows["burst", False, workers]
        figures = [
            *(f"{max(row.above, 0):.2f}" for row in (steady, burst, race)),
            *(f"{1000 * row.longest_wait:.0f} ms" for row in (steady, burst)),
            f"{burst.claims * workers:.0f}",
        ]
        row = "".join(f" +- {re.escape(figure)}\n" for figure in figures)
        assert re.search(rf"   \* - {workers}\n{row}", page), workers
        assert steady.above < 0.15
        assert burst.above < 0.15
        assert max(steady.longest_wait, burst.longest_wait) < 0.2
