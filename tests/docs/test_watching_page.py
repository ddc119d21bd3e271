"""The page "Watch a worker": its program, its metrics, and the dashboard."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from textwrap import dedent

import pytest
import trio

from tests.docs.test_voice_pages import load
from tests.support.dashboards import SERIES, expressions, named_in, overlapping
from trio_calls.client.observers import Loss
from trio_calls.simulator import Simulator
from trio_calls.telemetry._catalogue import LOAD, METRICS, Kind

pytestmark = pytest.mark.pure

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PAGE = (HOW_TO / "watch-a-worker.rst").read_text(encoding="utf-8")
BENCHMARKS = (HOW_TO.parents[1] / "benchmarks" / "README.md").read_text(encoding="utf-8")
DASHBOARD = (HOW_TO / "trio-calls-dashboard.json").read_text(encoding="utf-8")
watching = load("watching")

#: A file of rules, as the page has it.
ALERTS = dedent("   groups:\n" + PAGE.partition("   groups:\n")[2].partition("\nWhat blocks")[0])


def test_the_dashboard_shows_what_there_is() -> None:
    named = named_in("\n".join(expressions(json.loads(DASHBOARD))))
    assert named <= SERIES
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert shown == {re.sub(r"_(bucket|count|sum)$", "", name) for name in SERIES}


def test_the_labels_of_the_dashboard_exist() -> None:
    labels = {"le", *(metric.label for metric in METRICS)}
    grouped = re.findall(r"by \((\w+)\)", DASHBOARD)
    assert grouped
    assert set(grouped) <= labels


def test_panels_do_not_overlap() -> None:
    assert overlapping(json.loads(DASHBOARD)["panels"]) == []


def test_the_alerts_name_what_there_is() -> None:
    assert len(named_in(ALERTS)) == 5
    assert named_in(ALERTS) <= SERIES


def test_the_page_has_every_metric() -> None:
    table = PAGE.partition(".. metrics: begin")[2].partition(".. metrics: end")[0]
    rows = re.findall(r"^``(trio_calls_\w+)`` +(\w*)", table, re.M)
    wanted = {
        metric.name + ("_total" if metric.kind is Kind.COUNTER else ""): metric.label or ""
        for metric in [*METRICS, LOAD]
    }
    found = dict(rows)
    assert set(found) == set(wanted)
    labelled = {name: label for name, label in wanted.items() if label}
    assert {name: found[name] for name in labelled} == labelled


def test_the_page_has_every_reason() -> None:
    table = PAGE.partition("claimed or lost in the end:")[2].partition("All series")[0]
    assert re.findall(r"^``(\w+)``", table, re.M) == [loss.value for loss in Loss]


def test_what_it_costs_is_what_was_measured() -> None:
    measured = re.findall(r"\d\.\d+", PAGE.partition("What it costs\n")[2])
    assert len(measured) == 6
    kept = BENCHMARKS.partition("`python -m benchmarks.monitor`")[2].partition("\n\n")[0]
    assert set(measured) <= set(re.findall(r"\d\.\d+", kept))


async def test_the_program(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    handler = watching.set_up_logging()
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watching.serve, simulator.config, "127.0.0.1:0")
            await trio.sleep(1)
            call = simulator.place_call()
            await call.wait_ended()
            nursery.cancel_scope.cancel()
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
    said = capsys.readouterr().err
    assert "INFO [-] watch me on http://127.0.0.1:" in said
    assert f"INFO [{call.call_id}] found" in said
