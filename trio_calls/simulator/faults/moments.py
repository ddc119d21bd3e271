"""When a fault strikes."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable

import attrs
import trio

from trio_calls.simulator.transcript.transcript_log import TranscriptLog


@attrs.frozen
class Stage:
    """What a moment is told by.

    Attributes:
      nursery: where it is waited for.
      log: counts frames.
      random: makes choices; seeded.
      session_id: the call whose frames count, or None for those of all.
    """

    nursery: trio.Nursery
    log: TranscriptLog
    random: random.Random
    session_id: str | None


class Moment(ABC):
    """A moment yet to come. Made by `after`, `at_frame`, `at_random`."""

    @abstractmethod
    def arrange(self, stage: Stage, strike: Callable[[], None]) -> None:
        """See to it that `strike` is called at that moment, or never if it does not come."""


def after(*, seconds: float) -> Moment:
    """The moment so many seconds after `Simulator.inject` was called.

    Raises:
      ValueError: the number of seconds is negative.
    """
    return _After(seconds)


def at_frame(number: int) -> Moment:
    """The moment at which a frame is on the wire: the call's, or anybody's if no call is named.

    Args:
      number: of the frame, from 1 on, as `Entry.first_frame` counts them. A frame that was on the
        wire before makes it the moment of `Simulator.inject`.

    Raises:
      ValueError: the number is less than 1.
    """
    return _AtFrame(number)


def at_random(*, within_seconds: float) -> Moment:
    """A moment within so many seconds after `Simulator.inject`, picked by the simulator's seed.

    Raises:
      ValueError: the number of seconds is negative.
    """
    return _AtRandom(within_seconds)


@attrs.frozen
class _After(Moment):
    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def arrange(self, stage: Stage, strike: Callable[[], None]) -> None:
        stage.nursery.start_soon(_strike_at, trio.current_time() + self.seconds, strike)


@attrs.frozen
class _AtRandom(Moment):
    within_seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def arrange(self, stage: Stage, strike: Callable[[], None]) -> None:
        seconds = stage.random.uniform(0, self.within_seconds)
        stage.nursery.start_soon(_strike_at, trio.current_time() + seconds, strike)


@attrs.frozen
class _AtFrame(Moment):
    number: int = attrs.field(validator=attrs.validators.ge(1))

    def arrange(self, stage: Stage, strike: Callable[[], None]) -> None:
        stage.log.at_frame(stage.session_id, self.number, strike)


async def _strike_at(time: float, strike: Callable[[], None]) -> None:
    await trio.sleep_until(time)
    strike()
