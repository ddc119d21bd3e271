"""What somebody says live, between the microphone and the call. Pure."""

from __future__ import annotations

from typing import Final

#: Frames that must have come before the first is played: what comes unevenly is heard evenly.
START_FRAMES: Final = 2

#: Frames that may wait at the most, so that what is heard was said just now.
MAX_FRAMES: Final = 6


class LiveVoice:
    """Takes in audio as it is spoken, and gives out a frame a tick.

    Where a microphone falls behind, nothing is heard until `START_FRAMES` have come again; where it
    runs ahead, whose clock is another, the oldest is dropped.

    Args:
      frame_bytes: the size of one 20 ms frame.

    Attributes:
      dropped_bytes: how much was dropped.
      gaps: how often there was nothing to play in mid speech.
    """

    def __init__(self, frame_bytes: int) -> None:
        self.dropped_bytes: int = 0
        self.gaps: int = 0
        self._frame_bytes = frame_bytes
        self._pcm = bytearray()
        self._is_flowing = False

    def put(self, pcm: bytes) -> None:
        """Take in what was just said: whole samples, of any number."""
        self._pcm += pcm
        excess = len(self._pcm) - MAX_FRAMES * self._frame_bytes
        if excess > 0:
            self.dropped_bytes += excess
            del self._pcm[:excess]

    def take_frame(self) -> bytes | None:
        """Take the next frame to play, or return None where there is none yet."""
        needed = 1 if self._is_flowing else START_FRAMES
        if len(self._pcm) < needed * self._frame_bytes:
            self.gaps += self._is_flowing
            self._is_flowing = False
            return None
        self._is_flowing = True
        frame = bytes(self._pcm[: self._frame_bytes])
        del self._pcm[: self._frame_bytes]
        return frame
