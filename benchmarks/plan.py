"""Which measurements a run makes, and in which order."""

from __future__ import annotations

import itertools
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from benchmarks.agents import AGENTS
from benchmarks.certificates import Certificates
from benchmarks.measure import (
    MeasurementError,
    measure_burst,
    measure_idle,
    measure_load,
    open_pair,
    set_up,
)
from benchmarks.results import Failure, Results

#: What a floor does costs the same whatever it is asked for: it reads no requests.
_FLOOR_REQUEST_MS: Final = 20
#: A burst of calls opens as many connections, in the exchange and in the agent.
_OPEN_FILES: Final = 8192


@attrs.frozen(kw_only=True)
class Plan:
    """What to measure.

    Attributes:
      agents: names out of `AGENTS`.
      calls: numbers of calls.
      request_ms: how much audio a buffer request asks for.
      rounds: how often everything is measured; the agents take turns within each round.
      window_seconds: how long calls talk in each measurement.
      is_tls: measure everything over TLS.
      tls_calls: numbers of calls to measure over TLS beside everything else.
      bursts: numbers of calls that are offered at once.
      idle_calls: how many calls stand in silence; 0 measures none.
      idle_seconds: for how long. Keep-alives come every 20 to 30 s.
    """

    agents: Sequence[str]
    calls: Sequence[int] = (1, 10, 50, 100, 200, 400)
    request_ms: Sequence[int] = (20, 100)
    rounds: int = 5
    window_seconds: float = 3.0
    is_tls: bool = False
    tls_calls: Sequence[int] = (50,)
    bursts: Sequence[int] = (10, 100, 1000)
    idle_calls: int = 100
    idle_seconds: float = 31.0

    @property
    def sdks(self) -> Sequence[str]:
        """The agents that are more than a loop."""
        return [name for name in self.agents if not AGENTS[name].is_floor]


class Runner:
    """Carries a plan out.

    Args:
      plan: what to measure.
      results: where it goes.
      tell: is told every measurement, one line each.
    """

    def __init__(self, plan: Plan, results: Results, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._results = results
        self._tell = tell

    async def run(self) -> None:
        """Measure everything. An agent that fails is noted, and the others go on."""
        raise_open_files()
        with make_certificates() as certificates:
            everything = certificates if self._plan.is_tls else None
            for round_number in range(self._plan.rounds):
                for calls, name in itertools.product(self._plan.calls, self._plan.agents):
                    await self._loads(name, calls, round_number, everything)
                if not self._plan.is_tls:
                    for calls, name in itertools.product(self._plan.tls_calls, self._plan.sdks):
                        await self._loads(name, calls, round_number, certificates)
            for offered, name in itertools.product(self._plan.bursts, self._plan.sdks):
                await self._burst(name, offered, everything)
            if self._plan.idle_calls:
                for name in self._plan.sdks:
                    await self._idle(name, everything)

    async def _loads(
        self, name: str, calls: int, round_number: int, certificates: Certificates | None
    ) -> None:
        sizes = [_FLOOR_REQUEST_MS] if AGENTS[name].is_floor else list(self._plan.request_ms)
        if round_number % 2:
            sizes.reverse()
        try:
            async with open_pair(name, certificates) as pair:
                await set_up(pair, calls)
                for request_ms in sizes:
                    load = await measure_load(pair, request_ms, self._plan.window_seconds)
                    self._results.loads.append(load)
                    self._tell(
                        f"{name}, {calls} calls{', TLS' if load.is_tls else ''}, {request_ms} ms: "
                        f"{load.cpu_ms_per_call_second:.2f} ms/call-s, round trip "
                        f"{load.round_trip_p50_ms:.1f} / {load.round_trip_p99_ms:.1f} ms, "
                        f"lost {load.lost_bytes}, late {load.exchange_late_p99_ms:.1f} ms"
                    )
        except MeasurementError as error:
            self._note(name, calls, f"calls that talk: {error}")

    async def _burst(self, name: str, offered: int, certificates: Certificates | None) -> None:
        try:
            async with open_pair(name, certificates) as pair:
                burst = await measure_burst(pair, offered)
        except MeasurementError as error:
            self._note(name, offered, f"a burst: {error}")
            return
        self._results.bursts.append(burst)
        self._tell(
            f"{name}, {offered} offers at once: {burst.claimed} claimed in "
            f"{burst.claimed_seconds:.1f} s, {burst.talking} talking in "
            f"{burst.talking_seconds:.1f} s"
        )

    async def _idle(self, name: str, certificates: Certificates | None) -> None:
        try:
            async with open_pair(name, certificates) as pair:
                await set_up(pair, self._plan.idle_calls)
                idle = await measure_idle(pair, self._plan.idle_seconds)
        except MeasurementError as error:
            self._note(name, self._plan.idle_calls, f"idle calls: {error}")
            return
        self._results.idles.append(idle)
        self._tell(f"{name}, {idle.calls} idle calls: {idle.cpu_ms_per_call_second:.3f} ms/call-s")

    def _note(self, name: str, calls: int, what: str) -> None:
        self._results.failures.append(Failure(name, calls, what))
        self._tell(f"{name}, {calls} calls FAILED: {what}")


@contextmanager
def make_certificates() -> Iterator[Certificates]:
    """Make certificates that last as long as the block."""
    with tempfile.TemporaryDirectory() as directory:
        yield Certificates(Path(directory))


def raise_open_files() -> None:
    """Allow this process, and those it starts, as many open files as a burst needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
