"""The numbers of a worker, or of several added up.

Workers send them to their supervisor as JSON, and it adds them up. That is why they are kept here,
and not by a library, whose numbers cannot leave their process.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final, Self

import attrs

from trio_calls.telemetry._catalogue import CALLS, CAPACITY, METRICS, Kind, Metric

_BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}


@attrs.define
class Distribution:
    """How many of something lie between two bounds, and what they come to.

    Attributes:
      counts: how many there are in each bucket alone; the last is for what is beyond all bounds.
      total: their sum, in seconds.
    """

    counts: list[int]
    total: float = 0.0

    @classmethod
    def of(cls, metric: Metric) -> Self:
        """Make an empty one for a histogram."""
        return cls([0] * (len(metric.bounds) + 1))


class Numbers:
    """A number for each metric, and each value of its label.

    Attributes:
      values: of counters and gauges, by label.
      distributions: of histograms.
    """

    def __init__(self) -> None:
        self.values: dict[Metric, dict[str, float]] = {
            metric: dict.fromkeys(metric.values, 0.0)
            for metric in METRICS
            if metric.kind is not Kind.HISTOGRAM
        }
        self.distributions: dict[Metric, Distribution] = {
            metric: Distribution.of(metric) for metric in METRICS if metric.kind is Kind.HISTOGRAM
        }

    def count(self, metric: Metric, amount: float = 1, value: str = "") -> None:
        """Add to a counter, or to a gauge."""
        self.values[metric][value] += amount

    def observe(self, metric: Metric, seconds: float) -> None:
        """Add a measurement to a histogram."""
        distribution = self.distributions[metric]
        distribution.counts[bisect_left(metric.bounds, seconds)] += 1
        distribution.total += seconds

    def get(self, metric: Metric, value: str = "") -> float:
        """Return the number of a counter or a gauge."""
        return self.values[metric][value]

    @property
    def load(self) -> float:
        """Calls over capacity; 0 where there is no limit, or nobody to serve."""
        capacity = self.get(CAPACITY)
        return sum(self.values[CALLS].values()) / capacity if capacity else 0.0

    def add(self, other: Numbers, *, with_gauges: bool = True) -> None:
        """Add the numbers of another worker.

        Args:
          other: theirs.
          with_gauges: False if that worker has ended.
        """
        for metric, values in other.values.items():
            if with_gauges or metric.kind is Kind.COUNTER:
                for value, amount in values.items():
                    self.count(metric, amount, value)
        for metric, theirs in other.distributions.items():
            ours = self.distributions[metric]
            ours.counts = [sum(pair) for pair in zip(ours.counts, theirs.counts, strict=True)]
            ours.total += theirs.total

    def copy(self) -> Numbers:
        """Return numbers that are the same now."""
        numbers = Numbers()
        numbers.add(self)
        return numbers

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads. Infinity is among it, as Python's JSON has it."""
        return {
            "values": {metric.name: values for metric, values in self.values.items()},
            "distributions": {
                metric.name: [one.counts, one.total] for metric, one in self.distributions.items()
            },
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Numbers:
        """Read numbers of this version.

        Raises:
          KeyError, TypeError, ValueError: these are none.
        """
        theirs, numbers = cls(), cls()
        for name, values in told["values"].items():
            theirs.values[_BY_NAME[name]] = values
        for name, (counts, total) in told["distributions"].items():
            theirs.distributions[_BY_NAME[name]] = Distribution(counts, total)
        # Adding looks at each of them.
        numbers.add(theirs)
        return numbers
