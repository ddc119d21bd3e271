"""What the exchange holds of an agent's audio, and what it has asked for. Pure."""

from __future__ import annotations

from typing import Final

#: Frames that are asked for ahead of playing: 60 ms of patience with the agent's network.
JITTER_FRAMES: Final = 3


class CreditExceeded(ValueError):
    """The agent sent more audio than it was asked for. Nothing of it was taken."""


class JitterBuffer:
    """Audio that was pulled and not played yet, and the account of what may still come.

    What is buffered and what is asked for never exceed `JITTER_FRAMES` frames together: that is how
    an agent's audio is pulled at the speed at which it is played.

    Attributes:
      frame_bytes: the size of one 20 ms frame.
      credit_bytes: how many bytes were asked for and have not come yet.
    """

    def __init__(self, frame_bytes: int) -> None:
        self.frame_bytes = frame_bytes
        self.credit_bytes: int = 0
        self._pcm = bytearray()
        self._is_playing_out = False

    def __len__(self) -> int:
        """Return how many bytes wait to be played."""
        return len(self._pcm)

    def grant(self) -> int:
        """Grant as much credit as there is room for.

        Returns:
          Bytes to ask for, whole frames; 0 for none.
        """
        if self._is_playing_out:
            return 0
        room = JITTER_FRAMES * self.frame_bytes - self.credit_bytes - len(self._pcm)
        granted = room - room % self.frame_bytes
        self.credit_bytes += granted
        return granted

    def put(self, pcm: bytes) -> None:
        """Take in audio that came, all of it or none. Ignored while playing out.

        Raises:
          CreditExceeded: it is more than was asked for.
        """
        if len(pcm) > self.credit_bytes:
            raise CreditExceeded(f"{len(pcm)} bytes came, {self.credit_bytes} were asked for")
        self.credit_bytes -= len(pcm)
        if not self._is_playing_out:
            self._pcm += pcm

    def take_frame(self) -> bytes | None:
        """Take the next frame to play, or return None while there is no whole one.

        What is less than a frame waits for more, except while playing out: then silence fills it.
        """
        if len(self._pcm) < self.frame_bytes and not (self._pcm and self._is_playing_out):
            return None
        frame = bytes(self._pcm[: self.frame_bytes]).ljust(self.frame_bytes, b"\0")
        del self._pcm[: self.frame_bytes]
        return frame

    def clear(self) -> None:
        """Drop what waits to be played. What was asked for may still come."""
        self._pcm.clear()

    def forget_credit(self) -> None:
        """Note that what was asked for does not come any more: who was asked is gone."""
        self.credit_bytes = 0

    def play_out(self) -> None:
        """From now on only play what has come, to the last sample."""
        self._is_playing_out = True
