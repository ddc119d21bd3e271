"""Frames that can be told apart, and in which no detector hears speech: they are too faint."""

from __future__ import annotations

import random
import struct
from typing import Final

from benchmarks.exchange.frames import StampedAudio

#: Two samples that occur nowhere else, as all others are from -8 to 7.
_MARK: Final = struct.pack("<2h", 9, -9)
_DIGITS: Final = 24
_STAMP_BYTES: Final = len(_MARK) + 2 * _DIGITS
_SAMPLES: Final = {f"{value:x}": struct.pack("<h", value - 8) for value in range(16)}
_DIGIT_OF: Final = {value - 8: f"{value:x}" for value in range(16)}


class QuietAudio(StampedAudio):
    """Noise at -73 dBFS. The number of a frame and its time are written in it, a digit a sample.

    Args:
      sample_rate: in Hz.
      head: what precedes the PCM of a frame on the wire.
    """

    mark = _MARK

    def __init__(self, sample_rate: int, head: bytes | None = None) -> None:
        super().__init__(sample_rate)
        digits = random.Random(0).choices(list(_SAMPLES), k=(self.frame_bytes - _STAMP_BYTES) // 2)
        self.filler = b"".join(map(_SAMPLES.__getitem__, digits))
        if head is not None:
            self._head = head

    def pcm(self, number: int, sent_ns: int) -> bytes:
        digits = f"{number:08x}{sent_ns:016x}"
        return b"".join((_MARK, *map(_SAMPLES.__getitem__, digits), self.filler))

    def message(self, number: int, sent_ns: int) -> bytes:
        return self._head + self.pcm(number, sent_ns)

    def read(self, frame: bytes | bytearray) -> tuple[int, int] | None:
        if not frame.endswith(self.filler):
            return None
        digits = struct.unpack_from(f"<{_DIGITS}h", frame, len(_MARK))
        try:
            text = "".join(map(_DIGIT_OF.__getitem__, digits))
        except KeyError:
            return None
        return int(text[:8], 16), int(text[8:], 16)
