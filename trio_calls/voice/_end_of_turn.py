"""Telling by what somebody has said whether they have finished, or only think."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Protocol

from trio_calls.config import is_number
from trio_calls.voice._errors import DetectorError


class EndOfTurn(Protocol):
    """Tells whether somebody who has fallen silent has finished.

    It is asked once in each pause. If they have finished, the utterance ends there; if not, it goes
    on until `Endpointing.pause_seconds` of silence, which may then be long.
    """

    @property
    def sample_rate(self) -> int:
        """The rate of the audio that it is given, in Hz."""

    @property
    def max_seconds(self) -> float:
        """How much of the end of an utterance it is given, at the most."""

    @property
    def quiet_seconds(self) -> float:
        """How much silence there has to be before it is asked."""

    def is_over(self, pcm: bytes, /) -> bool | Awaitable[bool]:
        """Return whether somebody who has said this has finished.

        May be a plain or an asynchronous method. A plain one must not block. An asynchronous one is
        cancelled when they go on speaking.

        Args:
          pcm: the end of the utterance, with the silence behind it, as mono signed 16-bit
            little-endian audio.
        """


def check_end_of_turn(end_of_turn: object) -> None:
    """Check that this can tell whether a turn is over.

    Raises:
      TypeError: it cannot. The message says what it wants.
    """
    name = type(end_of_turn).__name__
    if not callable(getattr(end_of_turn, "is_over", None)):
        raise TypeError(f"end_of_turn must have a method is_over(pcm), and {name} has none")
    rate = getattr(end_of_turn, "sample_rate", None)
    if type(rate) is not int or rate < 1:
        raise TypeError(f"end_of_turn.sample_rate must be a whole number of Hz, not {rate!r}")
    for attribute in ("quiet_seconds", "max_seconds"):
        seconds = getattr(end_of_turn, attribute, None)
        if not is_number(seconds, 0):
            raise TypeError(f"end_of_turn.{attribute} must be a number of seconds, not {seconds!r}")


async def ask_whether_over(end_of_turn: EndOfTurn, pcm: bytes) -> bool:
    """Ask, and look at the answer.

    Raises:
      DetectorError: it raised an exception, or returned neither True nor False.
    """
    try:
        answer = end_of_turn.is_over(pcm)
        if inspect.isawaitable(answer):
            answer = await answer
    except DetectorError:
        raise
    except Exception as error:
        raise DetectorError(
            f"{type(end_of_turn).__name__}.is_over() failed: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(answer, bool):
        raise DetectorError(
            f"{type(end_of_turn).__name__}.is_over() must return True or False, not {answer!r}"
        )
    return answer
