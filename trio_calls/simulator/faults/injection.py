"""How faults get into an exchange."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar

import attrs

from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.taps import Tap
from trio_calls.simulator.faults.triggers import Moment, TriggerContext
from trio_calls.simulator.transcript.frame_text import FrameText
from trio_calls.simulator.transcript.transcript import ConnectionKind, Direction


@attrs.frozen
class FaultTarget:
    """What a fault is applied to.

    Attributes:
      exchange: the exchange.
      session_id: the call that the fault concerns, or None for all calls.
      random: makes the random choices; seeded.
    """

    exchange: Exchange
    session_id: str | None
    random: random.Random

    @property
    def names(self) -> frozenset[str] | None:
        """What requests call whose calls are concerned; None for all of them."""
        return None if self.session_id is None else self.exchange.names_of(self.session_id)

    def taps(self, kind: ConnectionKind) -> list[Tap]:
        """Return the taps of the connections that are concerned and connected now."""
        if kind == "media":
            return self.exchange.taps.media(self.session_id)
        if self.session_id is None:
            return self.exchange.taps.control(None)
        holder_id = self.exchange.holder_id(self.session_id)
        return [] if holder_id is None else self.exchange.taps.control(holder_id)


class Fault(ABC):
    """Something that goes wrong. `Simulator.inject` makes it happen."""

    #: The kind of connection that it concerns.
    connection: ConnectionKind = "media"

    #: What it is called in a transcript; ``{0}`` is the fault.
    text: ClassVar[str]

    @abstractmethod
    def apply(self, target: FaultTarget) -> None:
        """Make it go wrong, now."""

    def __str__(self) -> str:
        return self.text.format(self)


class Faults:
    """Applies faults when their moment has come.

    Args:
      exchange: the exchange that they are applied to.
      seed: seeds their random choices.
    """

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self._exchange = exchange
        self._seed = seed
        self._count = 0

    def inject(self, fault: Fault, session_id: str | None, when: Moment | None) -> None:
        """Apply a fault to a call, or to all with None: at its moment, or now with None."""
        self._count += 1
        # A generator of its own: what one fault picks is nothing to the others.
        generator = random.Random(f"fault {self._count} {self._seed}")
        target = FaultTarget(self._exchange, session_id, generator)
        log = self._exchange.log

        def apply() -> None:
            text = FrameText(f"fault: {fault}")
            log.note(fault.connection, session_id, Direction.NEITHER, text, frames=0)
            fault.apply(target)

        if when is None:
            apply()
        else:
            when.schedule(TriggerContext(self._exchange.nursery, log, generator, session_id), apply)
