"""What sets a fault off."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable

import attrs
import trio

from trio_calls.simulator.transcript.transcript_log import TranscriptLog


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
      ValueError: the number of seconds is negative.
    """
    return _After(seconds)


def at_frame(number: int) -> Moment:
    """Return the moment at which a frame is sent: of the call, or of any if no call is named.

    Args:
      number: the number of the frame, from 1 on, as `Entry.first_frame` counts them. If that
        frame has been sent already, the moment is that of `Simulator.inject`.

    Raises:
      ValueError: the number is less than 1.
    """
    return _AtFrame(number)


def at_random(*, within_seconds: float) -> Moment:
    """Return a moment within so many seconds after `Simulator.inject`.

    The simulator's seed picks it.

    Raises:
      ValueError: the number of seconds is negative.
    """
    return _AtRandom(within_seconds)


@attrs.frozen
class _After(Moment):
    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        context.nursery.start_soon(_call_at, trio.current_time() + self.seconds, apply)


@attrs.frozen
class _AtRandom(Moment):
    within_seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        seconds = context.random.uniform(0, self.within_seconds)
        context.nursery.start_soon(_call_at, trio.current_time() + seconds, apply)


@attrs.frozen
class _AtFrame(Moment):
    number: int = attrs.field(validator=attrs.validators.ge(1))

    def schedule(self, context: TriggerContext, apply: Callable[[], None]) -> None:
        context.log.at_frame(context.session_id, self.number, apply)


async def _call_at(time: float, apply: Callable[[], None]) -> None:
    await trio.sleep_until(time)
    apply()
