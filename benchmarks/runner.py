"""Carries a plan out, step by step."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

from benchmarks.certificates import Certificates
from benchmarks.figures import Comparison, Failure, Load, Results, over_tls
from benchmarks.measure import (
    MachineBusyError,
    MeasurementError,
    measure_burst,
    measure_idle,
    measure_load,
    open_pair,
    set_up,
)
from benchmarks.plan import Kind, Plan, Step
from benchmarks.turns import take_turns

#: A burst of calls opens as many connections, in the exchange and in the agent.
_OPEN_FILES: Final = 8192


class Runner:
    """Measures what a plan says. An agent that fails is noted, and the others go on.

    Args:
      plan: what to measure.
      results: where it goes.
      report: called with every measurement, one line each.
    """

    def __init__(self, plan: Plan, results: Results, report: Callable[[str], None]) -> None:
        self._plan = plan
        self._results = results
        self._report = report
        self._failed: dict[tuple[Kind, str, bool], int] = {}

    async def run(self) -> None:
        """Measure everything."""
        raise_open_files()
        steps = list(self._plan.steps())
        started_at = time.monotonic()
        with ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            certificates = Certificates(Path(directory))
            for number, step in enumerate(steps, start=1):
                if self._is_hopeless(step):
                    continue
                minutes = (time.monotonic() - started_at) / 60
                outcome = await self._measure(step, certificates if step.is_tls else None)
                self._report(
                    f"[{number}/{len(steps)}, {minutes:.0f} min] {describe(step)}: {outcome}"
                )

    def _is_hopeless(self, step: Step) -> bool:
        """Return whether the agent has failed with so many calls, or fewer."""
        failed = self._failed.get((step.kind, step.agent, step.is_tls))
        return failed is not None and step.calls >= failed

    async def _measure(self, step: Step, certificates: Certificates | None) -> str:
        try:
            match step.kind:
                case "load":
                    return "; ".join(await self._measure_loads(step, certificates))
                case "turns":
                    contenders = {agent: (agent, certificates) for agent in step.agents}
                    return await self._compare(step, contenders, step.is_tls)
                case "tls turns":
                    contenders = {step.agent: (step.agent, None)}
                    contenders[over_tls(step.agent)] = (step.agent, certificates)
                    return await self._compare(step, contenders, False)
                case "burst":
                    return await self._measure_burst(step, certificates)
                case "idle":
                    return await self._measure_idle(step, certificates)
        except MeasurementError as error:
            if not isinstance(error, MachineBusyError):
                self._failed[step.kind, step.agent, step.is_tls] = step.calls
            self._results.failures.append(Failure(step.agent, step.kind, step.calls, str(error)))
            return f"FAILED: {error}"

    async def _measure_loads(self, step: Step, certificates: Certificates | None) -> list[str]:
        outcomes: list[str] = []
        while len(outcomes) < len(step.request_ms):
            async with open_pair(step.agent, certificates) as pair:
                await set_up(pair, step.calls)
                for request_ms in step.request_ms[len(outcomes) :]:
                    load = await measure_load(pair, request_ms, self._plan.window_seconds)
                    self._results.loads.append(load)
                    outcomes.append(describe_load(load))
                    if load.missing_bytes:
                        # It is still busy with these: the next size is for a fresh agent.
                        break
        return outcomes

    async def _compare(
        self, step: Step, contenders: Mapping[str, tuple[str, Certificates | None]], is_tls: bool
    ) -> str:
        (request_ms,) = step.request_ms
        async with AsyncExitStack() as stack:
            pairs = []
            for agent, certificates in contenders.values():
                pair = await stack.enter_async_context(open_pair(agent, certificates))
                await set_up(pair, step.calls)
                pairs.append(pair)
            figures = await take_turns(
                pairs, request_ms, self._plan.closer_windows, self._plan.closer_seconds
            )
        cpu_ms = dict(zip(contenders, figures, strict=True))
        self._results.comparisons.append(Comparison(step.calls, request_ms, is_tls, cpu_ms))
        return f"{', '.join(f'{figure:.2f}' for figure in figures)} ms CPU"

    async def _measure_burst(self, step: Step, certificates: Certificates | None) -> str:
        async with open_pair(step.agent, certificates) as pair:
            burst = await measure_burst(pair, step.calls)
        self._results.bursts.append(burst)
        return (
            f"{burst.claimed} claimed in {burst.claimed_seconds:.1f} s, "
            f"{burst.talking} talking in {burst.talking_seconds:.1f} s"
        )

    async def _measure_idle(self, step: Step, certificates: Certificates | None) -> str:
        async with open_pair(step.agent, certificates) as pair:
            await set_up(pair, step.calls)
            idle = await measure_idle(pair, self._plan.idle_seconds)
        self._results.idles.append(idle)
        return f"{idle.cpu_ms_per_call_second:.3f} ms CPU"


def describe(step: Step) -> str:
    """Return what a step measures, in words."""
    what = {
        "load": "calls",
        "turns": "calls in turns",
        "tls turns": "calls in turns with itself",
        "burst": "offers at once",
        "idle": "calls in silence",
    }[step.kind]
    return f"{step.agent}, {step.calls} {what}{', TLS' if step.is_tls else ''}"


def describe_load(load: Load) -> str:
    """Return what calls that talk came to, in words."""
    return (
        f"{load.cpu_ms_per_call_second:.2f} ms CPU, round trip "
        f"{load.round_trip_p50_ms:.1f} / {load.round_trip_p99_ms:.1f} ms, "
        f"lost {load.lost_bytes}, exchange late {load.exchange_late_p99_ms:.1f} ms"
    )


def raise_open_files() -> None:
    """Allow this process, and those it starts, as many open files as a burst needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
