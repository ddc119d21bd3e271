"""Where the layer for voice has to get, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from benchmarks.figures import Load, median
from benchmarks.summary import is_valid
from benchmarks.targets import Verdict
from benchmarks.voice.figures import VoiceResults

#: What all others are compared with.
REFERENCE: Final = "pipecat-turn"


@attrs.frozen
class _Target:
    """What an agent has to reach, beside the reference.

    Attributes:
      cpu_share: a part of its processor time.
      times_calls: so many times the calls that a core carries with it.
    """

    cpu_share: float
    times_calls: float


#: 300 and 450 calls, where pipecat carries 35.
_TARGETS: Final[Mapping[str, _Target]] = {
    "voice-silero": _Target(0.2, 8.6),
    "voice-webrtc": _Target(0.14, 12.9),
    "voice-silero-recorded": _Target(0.2, 8.6),
    "voice-webrtc-recorded": _Target(0.14, 12.9),
}
_MOST_MB: Final = 0.15
_SILENT_P50_MS: Final = 60
_SILENT_P90_MS: Final = 100


def judge(results: VoiceResults) -> list[Verdict]:
    """Compare the medians with every target."""
    verdicts: list[Verdict] = []
    for agent, target in _TARGETS.items():
        verdicts += _judge_echo(results, agent, target)
        verdicts += _judge_silence(results, agent)
    return verdicts


def middle(loads: list[Load], figure: Callable[[Load], float]) -> float:
    """Return the median, of the measurements in which the exchange kept up if there are any."""
    return median([load for load in loads if is_valid(load)] or loads, figure)


def loads_of(results: VoiceResults, agent: str) -> list[Load]:
    """Return what was measured of an agent that echoes."""
    return [load for load in results.loads if load.agent == agent]


def cpu_ms(loads: list[Load]) -> float:
    """Return the processor time, in ms a call-second."""
    return middle(loads, lambda load: load.cpu_ms_per_call_second)


def _judge_echo(results: VoiceResults, agent: str, target: _Target) -> Iterator[Verdict]:
    own, reference = loads_of(results, agent), loads_of(results, REFERENCE)
    if own and reference:
        share = cpu_ms(own) / cpu_ms(reference)
        yield Verdict(
            f"{agent}: at most {target.cpu_share} of {REFERENCE}'s CPU",
            f"{share:.2f} ({cpu_ms(own):.1f} to {cpu_ms(reference):.1f} ms a call-second)",
            share <= target.cpu_share,
        )
    if own:
        size = middle(own, lambda load: load.resident_mb_per_call)
        yield Verdict(f"{agent}: at most {_MOST_MB} MB a call", f"{size:.2f} MB", size <= _MOST_MB)
    carried = {capacity.agent: capacity.calls for capacity in results.capacities}
    if agent in carried and carried.get(REFERENCE):
        times = carried[agent] / carried[REFERENCE]
        yield Verdict(
            f"{agent}: a core carries {target.times_calls} times as many calls as with {REFERENCE}",
            f"{times:.1f} ({carried[agent]} to {carried[REFERENCE]})",
            times >= target.times_calls,
        )


def _judge_silence(results: VoiceResults, agent: str) -> Iterator[Verdict]:
    for figures in results.interruptions:
        if figures.agent == agent:
            median_ms, most_ms = figures.silent_p50_ms, figures.silent_p90_ms
            yield Verdict(
                f"{agent}: silent after {_SILENT_P50_MS} ms, 9 of 10 times {_SILENT_P90_MS}",
                f"{median_ms:.0f} and {most_ms:.0f} ms",
                median_ms <= _SILENT_P50_MS and most_ms <= _SILENT_P90_MS,
            )
            yield Verdict(
                f"{agent}: nothing is heard of the sentence after that",
                f"{figures.resumed} times" if figures.resumed else "nothing",
                not figures.resumed,
            )
