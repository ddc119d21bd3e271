"""What was measured, on what machine; and how it is kept: one file of JSON a run."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Self, TypeVar

import attrs
import cattrs

_PACKAGES: Final = (
    "trio",
    "trio-websocket",
    "wsproto",
    "websockets",
    "telcoflow",
    "abxbus",
    "uvloop",
)
_T = TypeVar("_T")


@attrs.frozen
class Load:
    """Calls that talk, one window long. Times are wall-clock seconds but where it says CPU.

    Attributes:
      agent: its name.
      calls: how many at once.
      request_ms: how much audio each buffer request asks for.
      is_tls: whether everything went over TLS.
      cpu_ms_per_call_second: processor time of the agent, by the second of audio that it echoed.
      core_share: of the agent's core, within the window; 1 is all of it.
      round_trip_p50_ms: from sending a frame until the last byte of its echo came.
      round_trip_p99_ms: the same; pauses of the exchange are in it too.
      lost_bytes: what had not come back a second after the last frame was sent.
      missing_bytes: what had not come back ten seconds later.
      foreign_bytes: what came back and had never been sent.
      overdrawn_bytes: what came back before it had been asked for.
      first_audio_seconds: from the offer of a call to the first echoed frame, the median call.
      resident_mb_per_call: memory of the agent, millions of bytes, beyond what it held without.
      exchange_late_p99_ms: how late the exchange itself was with its frames.
      exchange_share: of the exchange's core, within the window.
    """

    agent: str
    calls: int
    request_ms: int
    is_tls: bool
    cpu_ms_per_call_second: float
    core_share: float
    round_trip_p50_ms: float
    round_trip_p99_ms: float
    lost_bytes: int
    missing_bytes: int
    foreign_bytes: int
    overdrawn_bytes: int
    first_audio_seconds: float
    resident_mb_per_call: float
    exchange_late_p99_ms: float
    exchange_share: float


@attrs.frozen
class Comparison:
    """Agents that took turns: one talked at a time, while the calls of all stood.

    Attributes:
      calls: of each agent.
      request_ms: how much audio each buffer request asks for.
      is_tls: whether everything went over TLS.
      cpu_ms: processor time of each agent, by the second of audio that it echoed. An agent that
        took turns with itself is there twice, once with the name that `over_tls` gives it.
    """

    calls: int
    request_ms: int
    is_tls: bool
    cpu_ms: dict[str, float]


def over_tls(agent: str) -> str:
    """Return the name of an agent in a `Comparison` of it with and without TLS."""
    return f"{agent} over TLS"


@attrs.frozen
class Idle:
    """Calls that stand, and nobody says a word."""

    agent: str
    calls: int
    is_tls: bool
    cpu_ms_per_call_second: float


@attrs.frozen
class Burst:
    """Calls that are offered all at once.

    Attributes:
      offered: how many.
      claimed: how many of them were claimed before nothing moved any more.
      talking: how many were answered, and their first frame echoed.
      claimed_seconds: from the offer to the last claim.
      talking_seconds: from the offer to the last first echo.
    """

    agent: str
    offered: int
    claimed: int
    talking: int
    claimed_seconds: float
    talking_seconds: float


@attrs.frozen
class Machine:
    """Where it was measured."""

    processor: str
    cores: int
    system: str
    python: str
    packages: dict[str, str]


@attrs.frozen
class Failure:
    """A measurement that came to nothing."""

    agent: str
    kind: str
    calls: int
    reason: str


@attrs.define
class Results:
    """Everything that one run has measured; repeated measurements stand side by side."""

    started_at: str
    machine: Machine
    rounds: int
    window_seconds: float
    loads: list[Load] = attrs.field(factory=list)
    comparisons: list[Comparison] = attrs.field(factory=list)
    idles: list[Idle] = attrs.field(factory=list)
    bursts: list[Burst] = attrs.field(factory=list)
    failures: list[Failure] = attrs.field(factory=list)

    @classmethod
    def begin(cls, rounds: int, window_seconds: float, packages: Iterable[str] = _PACKAGES) -> Self:
        """Return empty results for a run that begins now, with such packages."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(now, describe_machine(packages), rounds, window_seconds)

    def save(self, path: Path) -> None:
        """Write everything to a file of JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(cattrs.unstructure(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that `save` has written."""
        return cattrs.structure(json.loads(path.read_text()), cls)


def median(measurements: Iterable[_T], figure: Callable[[_T], float]) -> float:
    """The median of one figure over repeated measurements."""
    return statistics.median(figure(measurement) for measurement in measurements)


def percentile(figures: Sequence[float], percent: float) -> float:
    """A percentile, by the nearest rank; `figures` need not be in order."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def describe_machine(packages: Iterable[str] = _PACKAGES) -> Machine:
    """Describe the machine that this runs on, and the versions of packages."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        system=platform.platform(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: _version(name) for name in packages},
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
