"""The audio that leaves on one track, in frames."""

from __future__ import annotations

from typing import Final

from trio_calls.wire.second.audio_frame import (
    CLOCK_MODULUS,
    SEQUENCE_MODULUS,
    pack_frame,
    pack_silence,
)
from trio_calls.wire.second.media import AGENT_TRACK

_MS_PER_SECOND: Final = 1000


class AudioWriter:
    """Numbers and times the frames of a track.

    Args:
      sample_rate: of the audio, in Hz.
      track: the track.

    Attributes:
      sent_bytes: how much audio was written, silences included.
    """

    def __init__(self, sample_rate: int, track: int = AGENT_TRACK) -> None:
        self.sent_bytes: int = 0
        self._bytes_per_ms = 2 * sample_rate // _MS_PER_SECOND
        self._track = track
        self._sequence = 0

    def write(self, pcm: bytes | bytearray | memoryview) -> bytes:
        """Return the message that carries this PCM next: whole samples, and at least one."""
        clock_ms = self.sent_bytes // self._bytes_per_ms % CLOCK_MODULUS
        message = pack_frame(self._track, self._sequence, clock_ms, pcm)
        self.sent_bytes += len(pcm)
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
        return message

    def write_silence(self, silence_ms: int) -> bytes:
        """Return the message that stands for so many milliseconds of silence."""
        clock_ms = self.sent_bytes // self._bytes_per_ms % CLOCK_MODULUS
        message = pack_silence(self._track, self._sequence, clock_ms, silence_ms)
        self.sent_bytes += silence_ms * self._bytes_per_ms
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
        return message
