"""What the exchange holds of an agent's audio on the second wire, and what it has allowed. Pure."""

from __future__ import annotations

from typing import Final

from trio_calls.simulator.phones.jitter_buffer import JITTER_FRAMES, JitterBuffer

#: The length of a frame, in milliseconds.
FRAME_MS: Final = 20

#: How much may come ahead of what was played, in milliseconds.
WINDOW_MS: Final = JITTER_FRAMES * FRAME_MS


class FlowBuffer(JitterBuffer):
    """A `JitterBuffer` whose account counts from the beginning of the connection.

    Frames may be short: where nothing more has come, what is less than a frame is played with
    silence behind it.

    Attributes:
      drained_ms: how much was played, or dropped because of an interruption, in milliseconds.
      allowed_ms: how much may have come in all.
    """

    def __init__(self, frame_bytes: int) -> None:
        super().__init__(frame_bytes)
        self.drained_ms: int = 0
        self.allowed_ms: int = 0
        self._bytes_per_ms = frame_bytes // FRAME_MS
        self._drained_bytes = 0
        # What is left of the connection before, and does not count in this one.
        self._carried_bytes = 0

    def grant(self) -> int:
        """Allow as much as there is room for.

        Returns:
          How many bytes more that is; 0 for none.
        """
        self.drained_ms = self._drained_bytes // self._bytes_per_ms
        if self._is_playing_out:
            return 0
        before = self.allowed_ms
        carried_ms = -(-self._carried_bytes // self._bytes_per_ms)
        self.allowed_ms = max(before, self.drained_ms + WINDOW_MS - carried_ms)
        granted = (self.allowed_ms - before) * self._bytes_per_ms
        self.credit_bytes += granted
        return granted

    def take_frame(self) -> bytes | None:
        """Take the next frame to play, or return None while there is none."""
        taken = bytes(self._pcm[: self.frame_bytes])
        if not taken:
            return None
        del self._pcm[: self.frame_bytes]
        self._drain(len(taken))
        return taken.ljust(self.frame_bytes, b"\0")

    def clear(self) -> None:
        """Drop what waits to be played, which is done with then."""
        self._drain(len(self))
        super().clear()

    def forget_credit(self) -> None:
        """Count from the beginning again: another connection is to come."""
        super().forget_credit()
        self._carried_bytes = len(self)
        self._drained_bytes = self.drained_ms = self.allowed_ms = 0

    def _drain(self, size: int) -> None:
        carried = min(size, self._carried_bytes)
        self._carried_bytes -= carried
        self._drained_bytes += size - carried
