"""What the exchange sends on media connections of the second wire, as WebSocket frames."""

from __future__ import annotations

import struct
from typing import Final

from benchmarks.exchange.frames import (
    FRAMES_PER_SECOND,
    MARK,
    STAMP,
    StampedAudio,
    binary_head,
    text_frame,
)

FRAME_MS: Final = 1000 // FRAMES_PER_SECOND

#: Track, flags, number of the frame, milliseconds of audio before it.
HEADER: Final = struct.Struct(">BBHI")

#: How the agent is to cut its audio.
CONFIG: Final = text_frame({"type": "config", "data": {"frame_ms": FRAME_MS}})

_FLOW: Final = b'{"type": "flow", "data": {"track_id": 0, "drained_ms": %d, "window_ms": %d}}'
_WHOLE_TEXT: Final = 0x81


def flow(drained_ms: int, window_ms: int) -> bytes:
    """Encode what has been played of the agent's audio, and how much may be ahead of that."""
    # No two of them are alike. It is far too short for a length of more than one byte.
    message = _FLOW % (drained_ms, window_ms)
    return bytes((_WHOLE_TEXT, len(message))) + message


class FramedAudio(StampedAudio):
    """The same audio, in frames of the second wire."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self._head = binary_head(HEADER.size + self.frame_bytes)

    def message(self, number: int, sent_ns: int) -> bytes:
        header = HEADER.pack(0, 0, number & 0xFFFF, number * FRAME_MS)
        return b"".join((self._head, header, STAMP.pack(MARK, number, sent_ns), self.filler))
