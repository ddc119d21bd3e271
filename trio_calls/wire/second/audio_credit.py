"""How much of the agent's audio the exchange takes, and how much of it is done with."""

from __future__ import annotations

from typing import Final

from trio_calls.wire.media_wire import Credit

_MS_PER_SECOND: Final = 1000


class AudioCredit:
    """The account of one track, in figures that count from the beginning of the connection.

    So nothing is lost with a message that is: the next one says it all. What was allowed once stays
    allowed, and what was played stays played, whatever an exchange says later.

    Args:
      sample_rate: of the audio, in Hz.

    Attributes:
      allowed_bytes: how much may have been sent in all.
      drained_bytes: how much of what was sent the exchange has done with: played, or dropped
        because of an interruption.
    """

    def __init__(self, sample_rate: int) -> None:
        self.allowed_bytes: int = 0
        self.drained_bytes: int = 0
        self._bytes_per_ms = 2 * sample_rate // _MS_PER_SECOND
        self._frame_bytes = 0

    def use_frames(self, frame_bytes: int, heard_bytes: int = 0) -> Credit:
        """Note how long frames are to be. Returns what is allowed, if this was not known before.

        For ``heard_bytes``, see `update`.
        """
        requested_bytes = 0 if self._frame_bytes else self.allowed_bytes
        self._frame_bytes = frame_bytes
        return Credit(requested_bytes, frame_bytes, self.drained_bytes, heard_bytes)

    def update(
        self, drained_ms: int, window_ms: int, sent_bytes: int, heard_bytes: int = 0
    ) -> Credit | None:
        """Note what the exchange says. It comes with every frame, so all is done right here.

        Args:
          drained_ms: how much it is done with. What was not sent yet does not count, now or later.
          window_ms: how much may be ahead of that.
          sent_bytes: how much was sent until now.
          heard_bytes: how much audio of the call came until now. See `Credit`.

        Returns:
          How much more may be sent than before, perhaps nothing, and how much was played; None as
          long as nobody knows how long frames are to be.
        """
        requested_bytes = (drained_ms + window_ms) * self._bytes_per_ms - self.allowed_bytes
        if requested_bytes > 0:
            self.allowed_bytes += requested_bytes
        else:
            requested_bytes = 0
        drained_bytes = drained_ms * self._bytes_per_ms
        if drained_bytes > sent_bytes:
            self.drained_bytes = sent_bytes
        elif drained_bytes > self.drained_bytes:
            self.drained_bytes = drained_bytes
        if not self._frame_bytes:
            return None
        return Credit(requested_bytes, self._frame_bytes, self.drained_bytes, heard_bytes)
