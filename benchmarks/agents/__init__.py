"""The agents that are measured: each echoes what it hears, and does nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from benchmarks.exchange.wires import WireName

#: What the official client takes in its life; see `benchmarks.agents.official`.
OFFICIAL_MOST_CALLS: Final = 50


@attrs.frozen
class Agent:
    """How to run an agent.

    Attributes:
      module: run with ``python -m``, and the URL of the exchange as its first argument.
      arguments: what comes after that.
      is_baseline: whether it is a bare loop on a WebSocket library, which reads no buffer requests.
      speaks_tls: whether it can be measured over TLS.
      beyond_calls: with no more calls than this, it is the same as another agent.
      wire: the generation that it speaks.
    """

    module: str
    arguments: tuple[str, ...] = ()
    is_baseline: bool = False
    speaks_tls: bool = True
    beyond_calls: int = 0
    wire: WireName = "first"


def _baseline(module: str) -> Agent:
    return Agent(f"benchmarks.agents.{module}", is_baseline=True)


AGENTS: Final[Mapping[str, Agent]] = {
    "fast": Agent("benchmarks.agents.ours", ("websockets", "first")),
    "trio-websocket": Agent("benchmarks.agents.ours", ("trio-websocket", "first")),
    "second": Agent("benchmarks.agents.ours", ("websockets", "second"), wire="second"),
    "official": Agent("benchmarks.agents.official"),
    "official-unlimited": Agent(
        "benchmarks.agents.official", ("unlimited",), beyond_calls=OFFICIAL_MOST_CALLS
    ),
    "baseline-trio-websocket": _baseline("baseline_trio_websocket"),
    "baseline-websockets-asyncio": _baseline("baseline_websockets_asyncio"),
    "baseline-websockets-trio": _baseline("baseline_websockets_trio"),
    "baseline-websockets-sansio": _baseline("baseline_websockets_sansio"),
    "baseline-trio": Agent("benchmarks.agents.baseline_trio", is_baseline=True, speaks_tls=False),
}

#: Those that are this SDK, each with another WebSocket library.
OURS: Final = ("fast", "trio-websocket")
