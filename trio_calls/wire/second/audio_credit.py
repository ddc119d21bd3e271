"""How much of the agent's audio the exchange takes, and how much of it is done with."""

from __future__ import annotations

from typing import Final

_MS_PER_SECOND: Final = 1000


class AudioCredit:
    """The account of one track, in figures that count from the beginning of the connection.

    So nothing is lost with a message that is: the next one says it all. What was allowed once stays
    allowed, and what was played stays played, whatever an exchange says later.

    Args:
      sample_rate: of the audio, in Hz.

    Attributes:
      allowed_bytes: how much may have been sent in all.
      drained_bytes: how much the exchange has done with: played, or dropped because of an
        interruption. It may be more than was sent, if the exchange miscounts.
    """

    def __init__(self, sample_rate: int) -> None:
        self.allowed_bytes: int = 0
        self.drained_bytes: int = 0
        self._bytes_per_ms = 2 * sample_rate // _MS_PER_SECOND

    def update(self, drained_ms: int, window_ms: int) -> int:
        """Note what the exchange says.

        Args:
          drained_ms: how much it is done with.
          window_ms: how much may be ahead of that.

        Returns:
          How many more bytes may be sent than before; 0 if it takes no more for now.
        """
        before = self.allowed_bytes
        allowed = (drained_ms + window_ms) * self._bytes_per_ms
        self.allowed_bytes = max(before, allowed)
        self.drained_bytes = max(self.drained_bytes, drained_ms * self._bytes_per_ms)
        return self.allowed_bytes - before
