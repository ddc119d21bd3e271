"""The medians of repeated measurements."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from benchmarks.figures import Burst, Comparison, Load, Results, median

#: An exchange that is later than this with one frame in a hundred was too busy to measure with.
MAX_LATE_MS: Final = 5.0
#: An agent that uses this share of its core has fallen behind, or is about to.
SATURATED_SHARE: Final = 0.95


@attrs.frozen
class Key:
    """Measurements with the same key are repetitions of each other."""

    agent: str
    calls: int
    request_ms: int
    is_tls: bool = False


@attrs.frozen
class Summary:
    """Medians over the valid repetitions; over all of them if none is. Figures as of `Load`.

    Attributes:
      lost_bytes: the most, not the median.
      repetitions: how many were valid.
    """

    cpu_ms: float
    core_share: float
    p50_ms: float
    p99_ms: float
    lost_bytes: int
    resident_mb: float
    first_audio_ms: float
    repetitions: int

    @property
    def is_saturated(self) -> bool:
        """Whether the agent had no processor time left."""
        return self.core_share >= SATURATED_SHARE

    @property
    def marks(self) -> str:
        """What has to be said of its figures: see `benchmarks.report.legend`."""
        return ("*" if self.is_saturated else "") + ("" if self.repetitions else "†")


@attrs.frozen
class Ratio:
    """How many times as much processor time one agent takes as another: medians over the rounds.

    Attributes:
      ratio: of the two, within a round.
      least: of the rounds.
      most: of the rounds.
      cpu_ms: of the one, by the second of audio.
      reference_cpu_ms: of the other.
    """

    ratio: float
    least: float
    most: float
    cpu_ms: float
    reference_cpu_ms: float


def is_valid(load: Load) -> bool:
    """Whether the exchange kept its schedule, and the agent to what it was asked for."""
    return load.exchange_late_p99_ms <= MAX_LATE_MS and load.overdrawn_bytes == 0


def summarize(results: Results) -> dict[Key, Summary]:
    """Take the medians, key by key, in the order of the measurements."""
    groups: dict[Key, list[Load]] = {}
    for load in results.loads:
        key = Key(load.agent, load.calls, load.request_ms, load.is_tls)
        groups.setdefault(key, []).append(load)
    return {key: _summarize(loads) for key, loads in groups.items()}


def _summarize(loads: list[Load]) -> Summary:
    valid = [load for load in loads if is_valid(load)]

    def middle(figure: Callable[[Load], float]) -> float:
        return median(valid or loads, figure)

    return Summary(
        cpu_ms=middle(lambda load: load.cpu_ms_per_call_second),
        core_share=middle(lambda load: load.core_share),
        p50_ms=middle(lambda load: load.round_trip_p50_ms),
        p99_ms=middle(lambda load: load.round_trip_p99_ms),
        lost_bytes=max(load.lost_bytes for load in valid or loads),
        resident_mb=middle(lambda load: load.resident_mb_per_call),
        first_audio_ms=middle(lambda load: load.first_audio_seconds) * 1000,
        repetitions=len(valid),
    )


def compare(comparisons: Iterable[Comparison], key: Key, reference: str) -> Ratio | None:
    """Compare one agent with another, with which it took turns. None where it did not."""
    rounds = [
        (comparison.cpu_ms[key.agent], comparison.cpu_ms[reference])
        for comparison in comparisons
        if key == Key(key.agent, comparison.calls, comparison.request_ms, comparison.is_tls)
        and {key.agent, reference} <= comparison.cpu_ms.keys()
    ]
    if not rounds:
        return None
    ratios = [own / other for own, other in rounds]
    return Ratio(
        ratio=statistics.median(ratios),
        least=min(ratios),
        most=max(ratios),
        cpu_ms=statistics.median(own for own, _ in rounds),
        reference_cpu_ms=statistics.median(other for _, other in rounds),
    )


def worst_burst(results: Results, agent: str, offered: int) -> Burst | None:
    """The burst of which fewest calls came to talk."""
    bursts = [b for b in results.bursts if (b.agent, b.offered) == (agent, offered)]
    return min(bursts, key=lambda burst: (burst.talking, -burst.talking_seconds), default=None)


def idle_cpu_ms(results: Results, agent: str) -> float | None:
    """CPU per second of a silent call, or None where that was not measured."""
    idles = [idle for idle in results.idles if idle.agent == agent]
    return median(idles, lambda idle: idle.cpu_ms_per_call_second) if idles else None
