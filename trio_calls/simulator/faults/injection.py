"""How faults get into an exchange."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar

import attrs

from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.lines import Line
from trio_calls.simulator.faults.moments import Moment, Stage
from trio_calls.simulator.transcript.frame_text import FrameText
from trio_calls.simulator.transcript.transcript import ConnectionKind, Direction


@attrs.frozen
class Scene:
    """Where a fault strikes.

    Attributes:
      exchange: the exchange.
      session_id: of the call that it concerns, or None for all.
      random: makes choices; seeded.
    """

    exchange: Exchange
    session_id: str | None
    random: random.Random

    def lines(self, kind: ConnectionKind) -> list[Line]:
        """Find the connections that are concerned, and stand now."""
        if kind == "media":
            return self.exchange.lines.media(self.session_id)
        if self.session_id is None:
            return self.exchange.lines.control(None)
        holder_id = self.exchange.holder_id(self.session_id)
        return [] if holder_id is None else self.exchange.lines.control(holder_id)


class Fault(ABC):
    """Something that goes wrong. `Simulator.inject` lets it strike."""

    #: The kind of connection that it concerns.
    connection: ConnectionKind = "media"

    #: What it is called in a transcript; ``{0}`` is the fault.
    text: ClassVar[str]

    @abstractmethod
    def strike(self, scene: Scene) -> None:
        """Let it go wrong, now."""

    def __str__(self) -> str:
        return self.text.format(self)


class Faults:
    """Lets faults strike when their moment has come.

    Args:
      exchange: where.
      seed: of what they pick at random.
    """

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self._exchange = exchange
        self._seed = seed
        self._count = 0

    def inject(self, fault: Fault, session_id: str | None, when: Moment | None) -> None:
        """Let a fault strike a call, or all with None: at its moment, or now with None."""
        self._count += 1
        # A generator of its own: what one fault picks is nothing to the others.
        generator = random.Random(f"fault {self._count} {self._seed}")
        scene = Scene(self._exchange, session_id, generator)
        log = self._exchange.log

        def strike() -> None:
            text = FrameText(f"fault: {fault}")
            log.note(fault.connection, session_id, Direction.NEITHER, text, frames=0)
            fault.strike(scene)

        if when is None:
            strike()
        else:
            when.arrange(Stage(self._exchange.nursery, log, generator, session_id), strike)
