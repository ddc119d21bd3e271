"""The header of a WAV file that is written while its audio comes. Pure."""

from __future__ import annotations

import struct
from typing import Final

from trio_calls.audio._pcm import SAMPLE_BYTES

#: RIFF, what follows, WAVE; the format chunk; the name and the length of the audio.
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_FORMAT_BYTES: Final = 16
_PCM: Final = 1

HEADER_BYTES: Final = _HEADER.size

#: Of the audio, whose length has 32 bits, as has that of the file without its first eight bytes.
MAX_AUDIO_BYTES: Final = 2**32 - 1 - HEADER_BYTES

#: How a WAV file says that its audio goes on to its end, however long it is.
OPEN_LENGTH: Final = 2**32 - 1


def wav_header(sample_rate: int, channels: int = 1, audio_bytes: int | None = None) -> bytes:
    """Return the header of signed 16-bit little-endian audio.

    Args:
        sample_rate: in Hz.
        channels: how many there are.
        audio_bytes: how much audio follows; None if nobody knows yet.
    """
    length = OPEN_LENGTH if audio_bytes is None else audio_bytes
    file_length = min(length + HEADER_BYTES - 8, OPEN_LENGTH)
    frame_bytes = channels * SAMPLE_BYTES
    return _HEADER.pack(
        *(b"RIFF", file_length, b"WAVE"),
        *(b"fmt ", _FORMAT_BYTES, _PCM, channels, sample_rate),
        *(sample_rate * frame_bytes, frame_bytes, 8 * SAMPLE_BYTES),
        *(b"data", length),
    )
