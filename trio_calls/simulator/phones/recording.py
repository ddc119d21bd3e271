"""What a party of a call heard or said, for as long as it is kept. Pure."""

from __future__ import annotations

from typing import Any, Self

from trio_calls.audio import FRAME_SECONDS, frame_bytes


class LatestAudio(bytearray):
    """Recorded audio of which only the latest is kept: what is added beyond that pushes out.

    Args:
      max_bytes: how much is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._max_bytes = max_bytes

    def __iadd__(self, pcm: Any) -> Self:  # type: ignore[misc]  # typeshed's + does not return Self
        super().__iadd__(pcm)
        excess = len(self) - self._max_bytes
        if excess > 0:
            del self[:excess]
        return self


def make_recording(sample_rate: int, keep_seconds: float | None) -> bytearray:
    """Make the buffer that a party's audio is recorded in.

    Args:
      sample_rate: the sample rate of the audio, in Hz.
      keep_seconds: how much of the latest audio is kept, in whole frames. None: all of it.
    """
    if keep_seconds is None:
        return bytearray()
    return LatestAudio(round(keep_seconds / FRAME_SECONDS) * frame_bytes(sample_rate))
