"""What the exchange sends, as bytes of WebSocket frames, so that no message is encoded twice."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from websockets.frames import Frame, Opcode

FRAMES_PER_SECOND: Final = 50
SAMPLE_BYTES: Final = 2
CALL_CHANNEL: Final = b"\x00"

#: The first samples of every frame: a mark, the number of the frame, and when it was sent (ns).
STAMP: Final = struct.Struct("<4sIq")
MARK: Final = b"\xa5\x5a\xc3\x3c"


def text_frame(message: Mapping[str, Any]) -> bytes:
    """Encode a message of JSON."""
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=False)


@cache
def buffer_request(requested_bytes: int, frame_bytes: int) -> bytes:
    """Encode a request for so much of the agent's audio."""
    return text_frame(
        {
            "type": "buffer_request",
            "data": {
                "requested_bytes": requested_bytes,
                "prefer_audio_frame_bytes": frame_bytes,
                "channelId": 0,
            },
        }
    )


def media_head(frame_bytes: int) -> bytes:
    """Encode what precedes the PCM of a frame on a media connection."""
    return binary_head(len(CALL_CHANNEL) + frame_bytes) + CALL_CHANNEL


def binary_head(size: int) -> bytes:
    """Encode what precedes a binary message of so many bytes."""
    return Frame(Opcode.BINARY, bytes(size)).serialize(mask=False)[:-size]


class StampedAudio:
    """Frames of 20 ms that are alike but for their stamps.

    Attributes:
      mark: with which every frame begins.
      frame_bytes: PCM of one frame, the stamp included.
      filler: what follows the stamp: noise, and the mark is nowhere in it.
    """

    mark = MARK

    def __init__(self, sample_rate: int) -> None:
        self.frame_bytes = sample_rate // FRAMES_PER_SECOND * SAMPLE_BYTES
        noise = random.Random(0).randbytes(self.frame_bytes - STAMP.size)
        self.filler = noise.replace(MARK[:1], b"\x00")
        self._head = media_head(self.frame_bytes)

    def pcm(self, number: int, sent_ns: int) -> bytes:
        """Make one frame's samples."""
        return STAMP.pack(MARK, number, sent_ns) + self.filler

    def message(self, number: int, sent_ns: int) -> bytes:
        """Make one frame as it goes over the wire, header and channel included."""
        return b"".join((self._head, STAMP.pack(MARK, number, sent_ns), self.filler))

    def read(self, frame: bytes | bytearray) -> tuple[int, int] | None:
        """Return the number of a frame and when it was sent, or None if it has been altered."""
        _, number, sent_ns = STAMP.unpack_from(frame)
        return (number, sent_ns) if frame.endswith(self.filler) else None
