"""Which measurements a run makes, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

import attrs

from benchmarks.agents import AGENTS, OURS

_T = TypeVar("_T")

Kind = Literal["load", "turns", "tls turns", "burst", "idle"]


@attrs.frozen
class Step:
    """One agent, run once; or several, that take turns.

    Attributes:
      kind: what is measured. In "tls turns" an agent takes turns with itself without TLS.
      agents: their names; one, but where several take turns.
      calls: how many talk, are offered at once, or stand in silence.
      is_tls: whether everything goes over TLS.
      request_ms: the sizes of buffer requests to measure with, one after the other.
    """

    kind: Kind
    agents: Sequence[str]
    calls: int
    is_tls: bool
    request_ms: Sequence[int] = ()

    @property
    def agent(self) -> str:
        """The agent's name; all of them, where they take turns."""
        return ", ".join(self.agents)


@attrs.frozen(kw_only=True)
class Plan:
    """What to measure.

    Attributes:
      agents: names out of `AGENTS`.
      calls: numbers of calls that talk.
      request_ms: how much audio a buffer request asks for.
      rounds: how often calls that talk are measured; the agents take turns within each round.
      window_seconds: for how long, each time.
      closer_agents: those of the agents that are compared more closely, in turns; ours also
        with themselves over TLS.
      closer_calls: numbers of calls to do that with.
      closer_rounds: how often, each time with fresh processes.
      closer_windows: how many turns each agent has in a round.
      closer_seconds: how long a turn is.
      is_tls: measure everything over TLS.
      tls_calls: numbers of calls to measure over TLS beside everything else.
      bursts: numbers of calls that are offered at once.
      burst_rounds: how often.
      idle_calls: how many calls stand in silence; 0 measures none.
      idle_seconds: for how long. Keep-alives come every 20 to 30 s.
    """

    agents: Sequence[str] = tuple(AGENTS)
    calls: Sequence[int] = (1, 10, 50, 100, 200, 400)
    request_ms: Sequence[int] = (20, 100)
    rounds: int = 5
    window_seconds: float = 2.0
    closer_agents: Sequence[str] = (
        "official",
        "fast",
        "second",
        "trio-websocket",
        "baseline-trio",
    )
    closer_calls: Sequence[int] = (50,)
    closer_rounds: int = 7
    closer_windows: int = 8
    closer_seconds: float = 1.0
    is_tls: bool = False
    tls_calls: Sequence[int] = (50,)
    bursts: Sequence[int] = (10, 100, 1000)
    burst_rounds: int = 2
    idle_calls: int = 50
    idle_seconds: float = 31.0

    def steps(self) -> Iterator[Step]:
        """Everything in order: what is compared is measured as close together as can be."""
        for round_number in range(self.rounds):
            for calls in self.calls:
                yield from self._loads(calls, round_number, self.is_tls)
            if not self.is_tls:
                for calls in self.tls_calls:
                    yield from self._loads(calls, round_number, True)
        yield from self._turns()
        for _ in range(self.burst_rounds):
            for offered in self.bursts:
                yield from self._each_sdk("burst", offered)
        if self.idle_calls:
            yield from self._each_sdk("idle", self.idle_calls)

    def _loads(self, calls: int, round_number: int, is_tls: bool) -> Iterator[Step]:
        # Neither the first agent nor the first size shall be the same in every round.
        for name in rotated(self.agents, round_number):
            if calls <= AGENTS[name].beyond_calls or (is_tls and not AGENTS[name].speaks_tls):
                continue
            # A baseline reads no requests.
            sizes = self.request_ms[:1] if AGENTS[name].is_baseline else self.request_ms
            yield Step("load", (name,), calls, is_tls, sizes[:: -1 if round_number % 2 else 1])

    def _turns(self) -> Iterator[Step]:
        agents = [name for name in self.closer_agents if name in self.agents]
        if self.is_tls:
            agents = [name for name in agents if AGENTS[name].speaks_tls]
        for _ in range(self.closer_rounds):
            for calls in self.closer_calls:
                for request_ms in self.request_ms if len(agents) > 1 else ():
                    yield Step("turns", agents, calls, self.is_tls, (request_ms,))
                for name in agents if not self.is_tls else ():
                    if name in OURS:
                        yield Step("tls turns", (name,), calls, True, self.request_ms[:1])

    def _each_sdk(self, kind: Kind, calls: int) -> Iterator[Step]:
        for name in self.agents:
            agent = AGENTS[name]
            if not agent.is_baseline and calls > agent.beyond_calls:
                yield Step(kind, (name,), calls, self.is_tls)


def rotated(items: Sequence[_T], turns: int) -> list[_T]:
    """Return the items in an order in which another one is first each time."""
    start = turns % len(items)
    return [*items[start:], *items[:start]]


QUICK = Plan(
    agents=("fast", "trio-websocket", "official"),
    calls=(1, 50),
    request_ms=(20,),
    rounds=1,
    closer_calls=(),
    tls_calls=(),
    bursts=(),
    idle_calls=0,
)
