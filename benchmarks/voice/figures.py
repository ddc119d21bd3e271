"""What was measured of agents that listen while they talk; and how it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from benchmarks.figures import Load, Results, percentile
from benchmarks.summary import is_valid
from benchmarks.voice.conversation import Attempt
from benchmarks.voice.environment import VERSION as PIPECAT_VERSION

#: Beside pipecat, whose packages are others.
PACKAGES: Final = ("trio", "websockets", "numpy", "onnxruntime", "webrtcvad-wheels", "uvloop")

#: An echo that comes later than this would be a gap in what is played.
LATEST_ECHO_MS: Final = 20.0


@attrs.frozen
class Interruptions:
    """What became of callers who talked over the agent, in one window.

    Attributes:
      agent: its name.
      calls: how many at once.
      attempts: how often somebody talked over it.
      talked_on: how often that did not silence it.
      silent_p50_ms: from the caller's first frame until the agent was silent.
      silent_p90_ms: the same.
      resumed: how often something of the interrupted sentence was heard after that.
      heard_after_ms: of such a sentence, the most.
      core_share: of the agent's core, within the window; 1 is all of it.
      exchange_late_p99_ms: how late the callers themselves were with their frames.
    """

    agent: str
    calls: int
    attempts: int
    talked_on: int
    silent_p50_ms: float
    silent_p90_ms: float
    resumed: int
    heard_after_ms: float
    core_share: float
    exchange_late_p99_ms: float

    @property
    def cpu_ms_per_call_second(self) -> float:
        """Processor time of the agent, while one of the two talks or both do."""
        return self.core_share / self.calls * 1000


@attrs.frozen
class Capacity:
    """How many calls a core carries.

    Attributes:
      agent: its name.
      calls: the most with which it carried all of them.
      too_many: the fewest with which it did not; 0 where there was no need to find out.
    """

    agent: str
    calls: int
    too_many: int


@attrs.define
class VoiceResults(Results):
    """Everything that one run has measured.

    Attributes:
      pipecat_version: in the environment of its own.
      interruptions: of the agents that talk.
      capacities: of the agents that echo.
    """

    pipecat_version: str = PIPECAT_VERSION
    interruptions: list[Interruptions] = attrs.field(factory=list)
    capacities: list[Capacity] = attrs.field(factory=list)


def carries(load: Load) -> bool:
    """Return whether an agent kept up: nothing lost, 99 of 100 echoes within one frame's time."""
    return is_valid(load) and load.lost_bytes == 0 and load.round_trip_p99_ms <= LATEST_ECHO_MS


def summarize_attempts(
    agent: str,
    calls: int,
    attempts: Sequence[Attempt],
    *,
    core_share: float,
    lateness_seconds: Sequence[float],
) -> Interruptions:
    """Put together what became of callers who talked over the agent; at least one was heard."""
    silences = [
        attempt.silent_after_seconds * 1000
        for attempt in attempts
        if attempt.silent_after_seconds is not None
    ]
    return Interruptions(
        agent=agent,
        calls=calls,
        attempts=len(attempts),
        talked_on=len(attempts) - len(silences),
        silent_p50_ms=percentile(silences, 50),
        silent_p90_ms=percentile(silences, 90),
        resumed=sum(attempt.heard_after_seconds > 0 for attempt in attempts),
        heard_after_ms=max(attempt.heard_after_seconds for attempt in attempts) * 1000,
        core_share=core_share,
        exchange_late_p99_ms=percentile(lateness_seconds, 99) * 1000,
    )
