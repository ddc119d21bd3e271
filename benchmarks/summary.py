"""The medians of repeated measurements, and what they have to come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from benchmarks.results import Burst, Load, Results, median

#: An exchange that is later than this with one frame in a hundred was too busy to measure with.
MAX_LATE_MS: Final = 5.0
#: An agent that uses this share of its core has fallen behind, or is about to.
SATURATED_SHARE: Final = 0.95


@attrs.frozen
class LoadKey:
    """Measurements with the same key are repetitions of each other."""

    agent: str
    calls: int
    request_ms: int
    is_tls: bool = False


@attrs.frozen
class LoadSummary:
    """Medians over the valid repetitions; over all of them if none is.

    Attributes: as of `Load`; and

      repetitions: how many were valid.
      is_valid: whether any was.
    """

    cpu_ms: float
    core_share: float
    p50_ms: float
    p99_ms: float
    lost_bytes: float
    resident_mb: float
    first_audio_seconds: float
    repetitions: int
    is_valid: bool

    @property
    def is_saturated(self) -> bool:
        """Whether the agent had no processor time left."""
        return self.core_share >= SATURATED_SHARE


def is_valid(load: Load) -> bool:
    """Whether the exchange kept its schedule, and the agent to what it was asked for."""
    return load.exchange_late_p99_ms <= MAX_LATE_MS and load.overdrawn_bytes == 0


def summarize(results: Results) -> dict[LoadKey, LoadSummary]:
    """Take the medians, key by key, in the order of the measurements."""
    groups: dict[LoadKey, list[Load]] = {}
    for load in results.loads:
        key = LoadKey(load.agent, load.calls, load.request_ms, load.is_tls)
        groups.setdefault(key, []).append(load)
    return {key: _summarize(loads) for key, loads in groups.items()}


def _summarize(loads: list[Load]) -> LoadSummary:
    valid = [load for load in loads if is_valid(load)]

    def middle(figure: Callable[[Load], float]) -> float:
        return median(valid or loads, figure)

    return LoadSummary(
        cpu_ms=middle(lambda load: load.cpu_ms_per_call_second),
        core_share=middle(lambda load: load.core_share),
        p50_ms=middle(lambda load: load.round_trip_p50_ms),
        p99_ms=middle(lambda load: load.round_trip_p99_ms),
        lost_bytes=max(load.lost_bytes for load in valid or loads),
        resident_mb=middle(lambda load: load.resident_mb_per_call),
        first_audio_seconds=middle(lambda load: load.first_audio_seconds),
        repetitions=len(valid),
        is_valid=bool(valid),
    )


def worst_burst(results: Results, agent: str, offered: int) -> Burst | None:
    """The burst of which the agent claimed least."""
    bursts = [b for b in results.bursts if (b.agent, b.offered) == (agent, offered)]
    return min(bursts, key=lambda burst: burst.claimed, default=None)
