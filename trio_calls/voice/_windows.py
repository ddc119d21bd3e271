"""Cutting a stream into the windows that a detector takes, at its rate. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trio_calls.audio import SAMPLE_BYTES, Resampler


class TakesWindows(Protocol):
    """Whoever takes audio in windows."""

    @property
    def sample_rate(self) -> int:
        """The rate of the windows, in Hz."""

    @property
    def window_samples(self) -> int:
        """How many samples a window has."""


class Windows:
    """Cuts audio into windows, and tells which samples of the stream each stands for.

    Args:
      sample_rate: of the stream, in Hz.
      taker: for whom.
    """

    def __init__(self, sample_rate: int, taker: TakesWindows) -> None:
        self._resampler: Resampler | None = None
        if sample_rate != taker.sample_rate:
            self._resampler = Resampler(sample_rate, taker.sample_rate, "instant")
        self._size = taker.window_samples * SAMPLE_BYTES
        self._stream_samples = taker.window_samples * sample_rate
        self._taker_rate = taker.sample_rate
        self._number = 0
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> Sequence[tuple[bytes, int]]:
        """Add audio. Returns each window that is full, and how many samples of the stream it is."""
        if self._resampler is not None:
            pcm = self._resampler.feed(pcm)
        if len(pcm) == self._size and not self._pcm:
            # Most calls' frames are windows as they are.
            return ((pcm, self._next_samples()),)
        self._pcm += pcm
        windows = []
        while len(self._pcm) >= self._size:
            windows.append((bytes(self._pcm[: self._size]), self._next_samples()))
            del self._pcm[: self._size]
        return windows

    def _next_samples(self) -> int:
        # Counted from the start, so that rates that do not divide never drift apart.
        before = self._number * self._stream_samples // self._taker_rate
        self._number += 1
        return self._number * self._stream_samples // self._taker_rate - before
