"""The latest audio of a stream, by position. Pure."""

from __future__ import annotations

from typing import Final

from trio_calls.audio import SAMPLE_BYTES

#: Forgotten audio is given back in pieces of this size at least, as each time moves the rest.
_STEP_BYTES: Final = 8192


class AudioHistory:
    """Audio that may still be asked for. Positions count samples since the stream began.

    Attributes:
      start: the first position that is kept.
    """

    def __init__(self) -> None:
        self.start: int = 0
        self._pcm = bytearray()
        self._first = 0

    @property
    def end(self) -> int:
        """The position after the last sample."""
        return self._first + len(self._pcm) // SAMPLE_BYTES

    @property
    def is_long(self) -> bool:
        """Whether it is worth while to forget something."""
        return len(self._pcm) >= _STEP_BYTES

    def append(self, pcm: bytes) -> None:
        """Add what follows."""
        self._pcm += pcm

    def read(self, start: int, end: int) -> bytes:
        """Return the audio between two positions, as far as it is kept."""
        first = max(start, self.start) - self._first
        return bytes(self._pcm[first * SAMPLE_BYTES : (end - self._first) * SAMPLE_BYTES])

    def forget_before(self, position: int) -> None:
        """Keep nothing before a position any longer."""
        self.start = max(self.start, position)
        unused = (self.start - self._first) * SAMPLE_BYTES
        if unused >= _STEP_BYTES:
            del self._pcm[:unused]
            self._first = self.start
