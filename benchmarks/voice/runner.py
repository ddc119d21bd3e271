"""Measures every agent, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar

import attrs

from benchmarks.figures import Failure, Load
from benchmarks.measure import MeasurementError
from benchmarks.plan import rotated
from benchmarks.runner import describe_load, raise_open_files
from benchmarks.voice.agents import VOICE_AGENTS
from benchmarks.voice.figures import Capacity, Interruptions, VoiceResults
from benchmarks.voice.measure import find_capacity, measure_echo, measure_interruptions
from trio_calls import voice

_T = TypeVar("_T")


@attrs.frozen(kw_only=True)
class VoicePlan:
    """What to measure.

    Attributes:
      agents: names out of `VOICE_AGENTS`.
      calls: how many talk at once, where agents are compared.
      rounds: how often; the agents take turns within each round.
      window_seconds: for how long, each time.
      interrupted_calls: with how many calls it is measured how fast an agent is silent.
      interrupted_seconds: for how long. Every caller talks about once in three seconds.
      finds_capacity: whether it is looked for what a core carries.
    """

    agents: Sequence[str] = tuple(VOICE_AGENTS)
    calls: int = 25
    rounds: int = 5
    window_seconds: float = 2.0
    interrupted_calls: int = 15
    interrupted_seconds: float = 30.0
    finds_capacity: bool = True


QUICK = VoicePlan(
    calls=10, rounds=1, interrupted_calls=5, interrupted_seconds=15.0, finds_capacity=False
)


def missing(name: str) -> list[str]:
    """Return what an agent is made of and this SDK does not have."""
    return [need for need in VOICE_AGENTS[name].needs if not hasattr(voice, need)]


class VoiceRunner:
    """Measures what a plan says. An agent that fails is noted, and the others go on.

    Args:
      plan: what to measure.
      results: where it goes.
      report: called with every measurement, one line each.
    """

    def __init__(
        self, plan: VoicePlan, results: VoiceResults, report: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._results = results
        self._report = report
        self._agents = [name for name in plan.agents if not missing(name)]

    async def run(self) -> None:
        """Measure everything."""
        raise_open_files()
        for name in self._plan.agents:
            if name not in self._agents:
                self._report(f"{name}: trio_calls.voice has no {', '.join(missing(name))}")
        for number in range(self._plan.rounds):
            for name in rotated(self._agents, number):
                await self._echo(name)
        for name in self._agents:
            if VOICE_AGENTS[name].can_be_interrupted:
                await self._interrupt(name)
        for name in self._agents if self._plan.finds_capacity else ():
            await self._find_capacity(name)

    async def _echo(self, name: str) -> None:
        calls = self._plan.calls
        load = await self._try(
            name, "load", calls, measure_echo(name, calls, self._plan.window_seconds)
        )
        if load is not None:
            self._results.loads.append(load)
            self._report(f"{name}, {calls} calls: {describe_load(load)}")

    async def _interrupt(self, name: str) -> None:
        calls = self._plan.interrupted_calls
        figures = await self._try(
            name,
            "interruptions",
            calls,
            measure_interruptions(name, calls, self._plan.interrupted_seconds),
        )
        if figures is not None:
            self._results.interruptions.append(figures)
            self._report(f"{name}, {calls} calls: {describe_interruptions(figures)}")

    async def _find_capacity(self, name: str) -> None:
        loads = [load for load in self._results.loads if load.agent == name]
        if not loads:
            return
        cpu_ms = min(load.cpu_ms_per_call_second for load in loads)
        capacity = await self._try(
            name,
            "capacity",
            0,
            find_capacity(name, cpu_ms, self._plan.window_seconds, self._report_try),
        )
        if capacity is not None:
            self._results.capacities.append(capacity)
            self._report(f"{name}: {describe_capacity(capacity)}")

    async def _try(
        self,
        name: str,
        kind: Literal["load", "interruptions", "capacity"],
        calls: int,
        measurement: Awaitable[_T],
    ) -> _T | None:
        try:
            return await measurement
        except MeasurementError as error:
            self._results.failures.append(Failure(name, kind, calls, str(error)))
            self._report(f"{name}, {calls} calls: FAILED: {error}")
            return None

    def _report_try(self, load: Load) -> None:
        self._report(f"{load.agent}, {load.calls} calls: {describe_load(load)}")


def describe_interruptions(figures: Interruptions) -> str:
    """Return what became of callers who talked over an agent, in words."""
    return (
        f"silent after {figures.silent_p50_ms:.0f} / {figures.silent_p90_ms:.0f} ms, "
        f"{figures.attempts} times; talked on {figures.talked_on} times, "
        f"resumed {figures.resumed} times for up to {figures.heard_after_ms:.0f} ms; "
        f"{figures.core_share:.2f} of its core"
    )


def describe_capacity(capacity: Capacity) -> str:
    """Return how many calls a core carries, in words."""
    if not capacity.too_many:
        return f"carries {capacity.calls} calls or more: the exchange could not tell any further"
    return f"carries {capacity.calls} calls, and not {capacity.too_many}"
