"""What sets a fault off."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import attrs
import trio

from trio_calls.config import is_number
from trio_calls.simulator.transcript.transcript_log import TranscriptLog

#: Longer than any simulation.
_LONGEST_SECONDS: Final = 1e9


def not_negative(instance: object, attribute: attrs.Attribute[float], value: object) -> None:
    """Raise `ValueError` unless a value is a finite number of seconds, from 0 on."""
    if not is_number(value, 0, _LONGEST_SECONDS):
        raise ValueError(f"{attribute.name} must be a number >= 0, not {value!r}")


def _frame_number(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if not isinstance(value, int) or not is_number(value, 1):
        raise ValueError(f"{attribute.name} must be a whole number >= 1, not {value!r}")


@attrs.frozen
class TriggerContext:
    """What a trigger works with.

    Attributes:
      nursery: where the trigger waits.
      log: counts the frames.
      random: makes the random choices; seeded.
      session_id: the call whose frames count, or None for those of all calls.
    """

    nursery: trio.Nursery
    log: TranscriptLog
    random: random.Random
    session_id: str | None


class Moment(ABC):
    """A moment yet to come. Made by `after`, `at_frame`, `at_random`."""

    @abstractmethod
    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        """Arrange for `apply` to be called at that moment, or never if it does not come."""


def after(*, seconds: float) -> Moment:
    """Return the moment so many seconds after `Simulator.inject` was called.

    Raises:
      ValueError: that is no number of seconds, or a negative one.
    """
    return _After(seconds)


def at_frame(number: int) -> Moment:
    """Return the moment at which a frame is sent: of the call, or of any if no call is named.

    Args:
      number: the number of the frame, from 1 on, as `Entry.first_frame` counts them. If that
        frame has been sent already, the moment is that of `Simulator.inject`.

    Raises:
      ValueError: that is no whole number, or less than 1.
    """
    return _AtFrame(number)


def at_random(*, within_seconds: float) -> Moment:
    """Return a moment within so many seconds after `Simulator.inject`.

    The simulator's seed picks it.

    Raises:
      ValueError: that is no number of seconds, or a negative one.
    """
    return _AtRandom(within_seconds)


@attrs.frozen
class _After(Moment):
    seconds: float = attrs.field(validator=not_negative)

    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        context.nursery.start_soon(_call_at, trio.current_time() + self.seconds, apply)


@attrs.frozen
class _AtRandom(Moment):
    within_seconds: float = attrs.field(validator=not_negative)

    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        seconds = context.random.uniform(0, self.within_seconds)
        context.nursery.start_soon(_call_at, trio.current_time() + seconds, apply)


@attrs.frozen
class _AtFrame(Moment):
    number: int = attrs.field(validator=_frame_number)

    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        context.log.at_frame(context.session_id, self.number, apply)


async def _call_at(time: float, apply: Callable[[], None]) -> None:
    await trio.sleep_until(time)
    apply()
