"""Where the SDK has to get, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from benchmarks.agents import OURS
from benchmarks.figures import Results, over_tls
from benchmarks.summary import Key, Ratio, Summary, compare, idle_cpu_ms, summarize, worst_burst

OFFICIAL: Final = "official"

_BURSTS: Final = (10, 100, 1000)

#: What costs no more than this many times something else is no dearer, as far as can be told.
_AS_MUCH: Final = 1.05


@attrs.frozen
class Verdict:
    """What one target came to.

    Attributes:
      target: in words.
      measured: the figures, in words.
      has_passed: None where it was not measured, or where there is nothing to reach.
    """

    target: str
    measured: str
    has_passed: bool | None

    @property
    def word(self) -> str:
        """Pass or miss, in one word."""
        return {True: "pass", False: "MISS", None: "-"}[self.has_passed]


def judge(results: Results) -> list[Verdict]:
    """Compare the medians with every target. Calls talk at 16 kHz, in frames of 20 ms."""
    summaries = summarize(results)
    return [
        *(
            _beside_official(results, summaries, agent, request_ms, most)
            for request_ms in (20, 100)
            for agent, most in zip(OURS, (0.6, 1.0), strict=True)
        ),
        *(_two_hundred_calls(summaries, agent) for agent in OURS),
        *(_evenness(summaries, agent) for agent in OURS),
        *(_memory(summaries, agent) for agent in OURS),
        *(_idle(results, agent) for agent in OURS),
        *(_tls(results, summaries, *agent) for agent in zip(OURS, (1.25, 1.6), strict=True)),
        *_bursts(results),
        *_second_wire(results),
    ]


def _beside_official(
    results: Results,
    summaries: Mapping[Key, Summary],
    agent: str,
    request_ms: int,
    most: float,
) -> Verdict:
    large = "" if request_ms == 20 else f", requests of {request_ms} ms"  # noqa: PLR2004
    target = f"{agent}, 50 calls{large}: at most {most} of the official client's CPU"
    key = Key(agent, 50, request_ms)
    return _in_turns(
        target,
        compare(results.comparisons, key, OFFICIAL),
        _ratio(target, summaries.get(key), summaries.get(Key(OFFICIAL, 50, request_ms)), most),
        most,
    )


def _two_hundred_calls(summaries: Mapping[Key, Summary], agent: str) -> Verdict:
    target = f"{agent}, 200 calls, requests of 100 ms: nothing lost, p99 below 20 ms"
    summary = summaries.get(Key(agent, 200, 100))
    if summary is None:
        return Verdict(target, "not measured", None)
    measured = f"{summary.lost_bytes} bytes lost, p99 {summary.p99_ms:.1f} ms{summary.marks}"
    return Verdict(target, measured, summary.lost_bytes == 0 and summary.p99_ms < 20)  # noqa: PLR2004


def _evenness(summaries: Mapping[Key, Summary], agent: str) -> Verdict:
    return _ratio(
        f"{agent}, 400 calls: at most 1.2 of the CPU a call at 50",
        summaries.get(Key(agent, 400, 20)),
        summaries.get(Key(agent, 50, 20)),
        1.2,
    )


def _memory(summaries: Mapping[Key, Summary], agent: str) -> Verdict:
    summary = summaries.get(Key(agent, 100, 20))
    return _figure(
        f"{agent}, 100 calls: at most 0.25 MB a call",
        None if summary is None else summary.resident_mb,
        0.25,
        "MB",
    )


def _idle(results: Results, agent: str) -> Verdict:
    return _figure(
        f"{agent}, a silent call: below 1 ms CPU a second", idle_cpu_ms(results, agent), 1.0, "ms"
    )


def _tls(results: Results, summaries: Mapping[Key, Summary], agent: str, most: float) -> Verdict:
    target = f"{agent}, 50 calls over TLS: at most {most} of the CPU without"
    with_tls, without = summaries.get(Key(agent, 50, 20, is_tls=True)), Key(agent, 50, 20)
    return _in_turns(
        target,
        compare(results.comparisons, Key(over_tls(agent), 50, 20), agent),
        _ratio(target, with_tls, summaries.get(without), most),
        most,
    )


def _bursts(results: Results) -> Iterator[Verdict]:
    for agent in (*OURS, OFFICIAL):
        bursts = [worst_burst(results, agent, offered) for offered in _BURSTS]
        measured = [
            f"{burst.claimed} claimed and {burst.talking} served of {burst.offered}"
            for burst in bursts
            if burst is not None
        ]
        are_complete = all(burst is not None and burst.talking == burst.offered for burst in bursts)
        is_judged = agent in OURS and len(measured) == len(_BURSTS)
        yield Verdict(
            f"{agent}: serves every call of a burst of 10, 100, 1,000",
            "; ".join(measured) or "not measured",
            are_complete if is_judged else None,
        )


def _second_wire(results: Results) -> Iterator[Verdict]:
    # Where it has not been measured, there is nothing to say: older runs know nothing of it.
    for request_ms in (20, 100):
        ratio = compare(results.comparisons, Key("second", 50, request_ms), "fast")
        if ratio is not None:
            target = f"second, 50 calls, requests of {request_ms} ms: no dearer than fast"
            yield _beside(target, ratio, _AS_MUCH)


def _in_turns(target: str, ratio: Ratio | None, otherwise: Verdict, most: float) -> Verdict:
    """Judge agents that took turns; by what they took in runs of their own where they did not."""
    return otherwise if ratio is None else _beside(target, ratio, most)


def _beside(target: str, ratio: Ratio, most: float) -> Verdict:
    measured = (
        f"{ratio.ratio:.2f}, in turns ({ratio.least:.2f} to {ratio.most:.2f}; "
        f"{ratio.cpu_ms:.2f} to {ratio.reference_cpu_ms:.2f} ms a call-second)"
    )
    return Verdict(target, measured, ratio.ratio <= most)


def _ratio(target: str, ours: Summary | None, reference: Summary | None, most: float) -> Verdict:
    if ours is None or reference is None:
        return Verdict(target, "not measured", None)
    ratio = ours.cpu_ms / reference.cpu_ms
    measured = (
        f"{ratio:.2f} ({ours.cpu_ms:.2f}{ours.marks} to "
        f"{reference.cpu_ms:.2f}{reference.marks} ms a call-second)"
    )
    return Verdict(target, measured, ratio <= most)


def _figure(target: str, figure: float | None, most: float, unit: str) -> Verdict:
    if figure is None:
        return Verdict(target, "not measured", None)
    return Verdict(target, f"{figure:.3f} {unit}", figure <= most)
