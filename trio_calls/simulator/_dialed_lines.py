"""What a caller is given to say from outside, line by line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

import trio

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.simulator.phones.leg import PhoneHungUp
from trio_calls.simulator.phones.lines import Line, say_line
from trio_calls.simulator.phones.phone import Phone
from trio_calls.wire.codec import WireError
from trio_calls.wire.dialing import DialSay

#: How many lines a caller may be given to say.
MAX_LINES: Final = 1000


class OnLine(Protocol):
    """Called when a line begins, and when it was said."""

    def __call__(self, number: int, *, was_said: bool) -> None: ...


class DialedLines:
    """The lines of a caller, of which each is said when its audio is complete."""

    def __init__(self) -> None:
        self._complete, self._to_say = trio.open_memory_channel[Line](MAX_LINES)
        self._count = 0
        self._unfinished: DialSay | None = None
        self._pcm = bytearray()

    @property
    def want_audio(self) -> bool:
        """Whether the next audio of the caller belongs to a line."""
        return self._unfinished is not None

    def begin(self, say: DialSay) -> None:
        """Begin a line, whose audio is to follow.

        Raises:
          WireError: the line before is not complete, or there are too many.
        """
        if self._unfinished is not None:
            raise WireError("a line is not complete yet")
        self._count += 1
        if self._count > MAX_LINES:
            raise WireError(f"a caller says {MAX_LINES} lines at the most")
        self._unfinished = say

    def add(self, pcm: bytes) -> None:
        """Add audio to the line that wants it.

        Raises:
          WireError: it is more than the line has, or not of whole samples.
        """
        assert self._unfinished is not None
        self._pcm += pcm
        missing = self._unfinished.audio_bytes - len(self._pcm)
        if missing < 0 or len(pcm) % SAMPLE_BYTES:
            raise WireError("audio must be whole samples, and no more than the line has")
        if not missing:
            say, audio = self._unfinished, bytes(self._pcm)
            self._unfinished = None
            self._pcm.clear()
            self._complete.send_nowait(Line(audio, say.wait_seconds, say.for_silence))

    async def say(self, phone: Phone, sample_rate: int, on_line: OnLine) -> None:
        """Say the lines as they come, until the call is over or this is cancelled.

        Args:
          phone: who says them.
          sample_rate: the sample rate of the call, in Hz.
          on_line: called with the number of a line, from 1 on.
        """
        number = 0
        # The lines that are left when the call is over are never said.
        with suppress(PhoneHungUp):
            async for line in self._to_say:
                number += 1
                begin: Callable[[], None] = partial(on_line, number, was_said=False)
                await say_line(phone, line, sample_rate, begin)
                on_line(number, was_said=True)
