"""What somebody at a telephone says in a conversation, one line after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from trio_calls.audio import silence
from trio_calls.simulator.phones.phone import Phone

_LONGEST_PIECE_SECONDS: Final = 1.0


@attrs.frozen
class Line:
    """Something to say, and when.

    Attributes:
      pcm: the audio, at the simulator's sample rate.
      wait_seconds: how long to wait for that, from the end of the line before, or from the moment
        when the telephone is connected.
      for_silence: whether nothing must have been heard meanwhile. A sound begins the wait anew.
    """

    pcm: bytes = attrs.field(repr=False)
    wait_seconds: float = 0.0
    for_silence: bool = False


async def say_line(
    phone: Phone, line: Line, sample_rate: int, on_begin: Callable[[], None] = lambda: None
) -> None:
    """Wait as the line wants it, say it, and return when it is said.

    Args:
      phone: who says it. The line before has been said.
      line: what to say.
      sample_rate: the sample rate of the call, in Hz.
      on_begin: called when the wait is over.

    Raises:
      PhoneHungUp: the call ended before all of it was said.

    Cancellation: what was not said yet is never said.
    """
    await phone.wait_talking()
    if line.for_silence:
        await phone.wait_silence(line.wait_seconds)
    else:
        await _pause(phone, line.wait_seconds, sample_rate)
    on_begin()
    await phone.say(line.pcm)


async def _pause(phone: Phone, seconds: float, sample_rate: int) -> None:
    """Say nothing for so long, to the frame: it passes on the call's own clock."""
    while seconds > 0:
        # In pieces: a long pause shall take no room.
        piece = min(seconds, _LONGEST_PIECE_SECONDS)
        await phone.say(silence(piece, sample_rate))
        seconds -= piece
