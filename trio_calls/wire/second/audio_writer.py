"""The audio that leaves on one track, in frames."""

from __future__ import annotations

from collections.abc import Iterator
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

    def write(self, pcm: bytes) -> bytes:
        """Return the message that carries this PCM next: whole samples, and at least one."""
        message = pack_frame(self._track, self._sequence, self._clock_ms, pcm)
        self._advance(len(pcm))
        return message

    def write_frames(self, pcm: bytes, frame_ms: int) -> Iterator[bytes]:
        """Yield the messages that carry this PCM next, in frames of which the last may be short."""
        size = frame_ms * self._bytes_per_ms
        for start in range(0, len(pcm), size):
            yield self.write(pcm[start : start + size])

    def write_silence(self, silence_ms: int) -> bytes:
        """Return the message that stands for so many milliseconds of silence."""
        message = pack_silence(self._track, self._sequence, self._clock_ms, silence_ms)
        self._advance(silence_ms * self._bytes_per_ms)
        return message

    @property
    def _clock_ms(self) -> int:
        return self.sent_bytes // self._bytes_per_ms % CLOCK_MODULUS

    def _advance(self, pcm_bytes: int) -> None:
        self.sent_bytes += pcm_bytes
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
