"""Cutting a stream into the windows that a detector takes, at its rate. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from trio_calls.audio import SAMPLE_BYTES, Resampler
from trio_calls.voice._detector import Detector


class Windows:
    """Cuts audio into windows, and tells which samples of the stream each stands for.

    Args:
      sample_rate: of the stream, in Hz.
      detector: for whom.
    """

    def __init__(self, sample_rate: int, detector: Detector) -> None:
        self._resampler: Resampler | None = None
        if sample_rate != detector.sample_rate:
            self._resampler = Resampler(sample_rate, detector.sample_rate, "instant")
        self._size = detector.window_samples * SAMPLE_BYTES
        self._stream_samples = detector.window_samples * sample_rate
        self._detector_rate = detector.sample_rate
        self._number = 0
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> Iterator[tuple[bytes, int]]:
        """Add audio. Yields each window that is full, and how many samples of the stream it is."""
        if self._resampler is not None:
            pcm = self._resampler.feed(pcm)
        if len(pcm) == self._size and not self._pcm:
            # Most calls' frames are windows as they are.
            yield pcm, self._next_samples()
            return
        self._pcm += pcm
        while len(self._pcm) >= self._size:
            window = bytes(self._pcm[: self._size])
            del self._pcm[: self._size]
            yield window, self._next_samples()

    def _next_samples(self) -> int:
        # Counted from the start, so that rates that do not divide never drift apart.
        before = self._number * self._stream_samples // self._detector_rate
        self._number += 1
        return self._number * self._stream_samples // self._detector_rate - before
