"""Writing numbers down as Prometheus reads them. Needs the extra ``trio-calls[monitor]``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from trio_calls.telemetry._catalogue import LOAD, METRICS, Kind, Metric
from trio_calls.telemetry._numbers import Distribution, Numbers


class _Collector(Collector):
    """Tells prometheus-client of numbers that were counted elsewhere."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Family]:
        """Yield each metric."""
        for metric in METRICS:
            if metric.kind is Kind.HISTOGRAM:
                yield _histogram(metric, self._numbers.distributions[metric])
            else:
                yield _values(metric, self._numbers.values[metric])
        yield _values(LOAD, {"": self._numbers.load})


def write_metrics(numbers: Numbers, accept: str) -> tuple[bytes, str]:
    """Write numbers down in the format that is asked for.

    Args:
      numbers: all of them.
      accept: the header of the request. OpenMetrics is written for whoever prefers it.

    Returns:
      The text, and its media type.
    """
    # Of its own: the application may have metrics in the global one.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(numbers))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


def _values(metric: Metric, values: dict[str, float]) -> Family:
    family: CounterMetricFamily | GaugeMetricFamily
    if metric.kind is Kind.COUNTER:
        family = CounterMetricFamily(metric.name, metric.text, labels=_labels(metric))
    else:
        family = GaugeMetricFamily(metric.name, metric.text, labels=_labels(metric))
    for value, amount in values.items():
        family.add_metric([value] if metric.label else [], amount)
    return family


def _histogram(metric: Metric, distribution: Distribution) -> Family:
    family = HistogramMetricFamily(metric.name, metric.text, labels=_labels(metric))
    buckets: list[tuple[str, float]] = []
    so_far = 0
    for bound, count in zip((*metric.bounds, math.inf), distribution.counts, strict=True):
        so_far += count
        buckets.append(("+Inf" if bound == math.inf else str(bound), so_far))
    family.add_metric([], buckets, distribution.total)
    return family


def _labels(metric: Metric) -> list[str]:
    return [metric.label] if metric.label else []
