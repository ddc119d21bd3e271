"""The dashboard, the alerts and the scaling of a call centre ask for what workers export."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.support.dashboards import SERIES, expressions, named_in, overlapping
from tests.support.deployment import FILES, read_document
from tests.support.requirements import do_without
from trio_calls.endings import EndCause
from trio_calls.telemetry._catalogue import (
    ANSWER_SECONDS,
    CALLS_ENDED,
    METRICS,
    OFFERS_LOST,
    cause_value,
)

pytestmark = pytest.mark.pure

BOARD: dict[str, Any] = json.loads((FILES / "grafana" / "call-centre.json").read_text("utf-8"))
ALERTS = read_document("prometheus", "alerts.yaml")
SCALING = read_document("kubernetes", "call-centre", "scaled-object.yaml")

QUERIES = [
    *expressions(BOARD),
    *expressions(ALERTS),
    *(trigger["metadata"]["query"] for trigger in SCALING["spec"]["triggers"]),
]
#: What Prometheus adds to each series: whom it has scraped.
TARGET_LABELS = {"instance", "namespace"}


def test_every_metric_exists() -> None:
    assert all(named_in(query) for query in QUERIES)
    assert named_in("\n".join(QUERIES)) <= SERIES


def test_the_dashboard_shows_every_metric() -> None:
    def without_parts(names: set[str]) -> set[str]:
        return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}

    assert without_parts(named_in("\n".join(expressions(BOARD)))) == without_parts(SERIES)


def test_every_label_exists() -> None:
    labels = {"le", *TARGET_LABELS, *(metric.label for metric in METRICS)}
    text = "\n".join(QUERIES)
    grouped = [name for names in re.findall(r"by \(([^)]+)\)", text) for name in names.split(", ")]
    matched = re.findall(r"[{,](\w+)(?:=|!)", text)
    assert len(grouped) > 10
    assert len(matched) > 5
    assert set(grouped) | set(matched) <= labels


def test_every_value_of_a_label_exists() -> None:
    text = "\n".join(QUERIES)
    causes = re.findall(r'cause=~?"([^"]+)"', text)
    assert {cause for one in causes for cause in one.split("|")} <= set(CALLS_ENDED.values)
    assert set(re.findall(r'reason!="([^"]+)"', text)) <= set(OFFERS_LOST.values)
    bounds = set(re.findall(r'le="([^"]+)"', text))
    assert bounds
    assert bounds <= {str(bound) for bound in ANSWER_SECONDS.bounds}


def test_every_call_that_went_wrong_is_a_failure() -> None:
    (panel,) = (one for one in BOARD["panels"] if one["title"] == "Failures, by worker")
    shown = re.findall(r'cause=~"([^"]+)"', panel["targets"][0]["expr"])[0].split("|")
    wrong = (EndCause.FAILED, EndCause.LOST, EndCause.DRAINED)
    assert shown == [cause_value(cause) for cause in wrong]


def test_panels_do_not_overlap() -> None:
    assert overlapping(BOARD["panels"]) == []
    titles = [panel["title"] for panel in BOARD["panels"]]
    assert len(set(titles)) == len(titles)
    assert [panel["id"] for panel in BOARD["panels"]] == list(range(1, len(titles) + 1))


def test_workers_can_be_told_apart() -> None:
    by_worker = [one for one in BOARD["panels"] if one["title"].endswith("by worker")]
    assert len(by_worker) == 5
    for panel in by_worker:
        assert panel["targets"][0]["legendFormat"] == "{{instance}}"


def test_prometheus_can_read_its_files() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        do_without("prometheus", "there is no promtool here, which comes with Prometheus")
    command = [promtool, "check", "config", str(FILES / "prometheus" / "prometheus.yml")]
    checked = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
    assert checked.returncode == 0, checked.stderr
    assert f"{len(ALERTS['groups'][0]['rules'])} rules found" in checked.stdout


@pytest.mark.parametrize("query", QUERIES)
def test_prometheus_can_read_it(query: str) -> None:
    promql = pytest.importorskip("promql_parser", reason="the extra `test` brings it")
    promql.parse(query.replace("$__rate_interval", "1m"))
