"""Metrics are called as Prometheus' rules have it."""

from __future__ import annotations

import pytest

from tests.support.metrics import read_metrics
from trio_calls.telemetry._catalogue import LOAD, METRICS, Kind, Metric
from trio_calls.telemetry._exposition import write_metrics
from trio_calls.telemetry._numbers import Numbers

pytestmark = pytest.mark.pure

#: Base units, and things that are counted.
UNITS = (
    *("seconds", "bytes", "ratio"),
    *("calls", "workers", "frames", "reconnects", "seen", "claimed", "lost", "ended"),
)


@pytest.mark.parametrize("metric", [*METRICS, LOAD], ids=lambda metric: metric.name)
def test_a_name_ends_with_its_unit(metric: Metric) -> None:
    assert metric.name.startswith("trio_calls_")
    assert metric.name.endswith(tuple(f"_{unit}" for unit in UNITS))
    assert metric.text.endswith(".")
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith("_seconds")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_labels_are_few(metric: Metric) -> None:
    assert len(metric.values) <= 8
    assert (metric.label is None) == (metric.values == ("",))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_buckets_fit_seconds(metric: Metric) -> None:
    if metric.kind is Kind.HISTOGRAM:
        assert list(metric.bounds) == sorted(set(metric.bounds))
        # A frame of audio and a patience of 4 s are worlds apart.
        between = [bound for bound in metric.bounds if 0.02 <= bound < 4]
        assert len(between) >= 5


@pytest.mark.parametrize("accept", ["", "text/plain", "application/openmetrics-text"])
def test_every_series_is_there_from_the_start(accept: str) -> None:
    text, media_type = write_metrics(Numbers(), accept)
    assert media_type.startswith(accept or "text/plain")
    for metric in METRICS:
        for value in metric.values:
            total = "_total" if metric.kind is Kind.COUNTER else ""
            total = "_count" if metric.kind is Kind.HISTOGRAM else total
            label = f'{{{metric.label}="{value}"}}' if metric.label else ""
            assert f"\n{metric.name}{total}{label} 0.0\n" in text.decode()


def test_buckets_are_written_as_they_add_up() -> None:
    numbers = Numbers()
    (lag,) = (metric for metric in METRICS if "lag" in metric.name)
    for seconds in (0.0005, 0.004, 0.004, 60.0):
        numbers.observe(lag, seconds)
    samples = read_metrics(write_metrics(numbers, "")[0].decode())
    assert samples[f'{lag.name}_bucket{{le="0.001"}}'] == 1
    assert samples[f'{lag.name}_bucket{{le="0.005"}}'] == 3
    assert samples[f'{lag.name}_bucket{{le="5.0"}}'] == 3
    assert samples[f'{lag.name}_bucket{{le="+Inf"}}'] == 4
    assert samples[f"{lag.name}_count"] == 4
    assert samples[f"{lag.name}_sum"] == pytest.approx(60.0085)
