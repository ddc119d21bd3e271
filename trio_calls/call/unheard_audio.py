"""What is said on a call that is over. Pure."""

from __future__ import annotations


class UnheardAudio:
    """Counts what nobody hears, and takes it no faster than a call would.

    As if there were a queue that goes on being emptied at the speed of playing: its first seconds
    are taken at once, and then as much as it takes time to play.

    Args:
      bytes_per_second: of the call's audio.
      queue_bytes: how much is taken at once.

    Attributes:
      bytes: how many bytes nobody has heard.
    """

    def __init__(self, bytes_per_second: int, queue_bytes: int) -> None:
        self.bytes: int = 0
        self._bytes_per_second = bytes_per_second
        self._queue_seconds = queue_bytes / bytes_per_second
        self._emptied_at = 0.0

    def swallow(self, audio_bytes: int, now: float) -> float:
        """Take audio.

        Args:
          audio_bytes: how much of it.
          now: the time, in seconds.

        Returns:
          The time at which all of it fits into the queue.
        """
        self.bytes += audio_bytes
        self._emptied_at = max(now, self._emptied_at) + audio_bytes / self._bytes_per_second
        return self._emptied_at - self._queue_seconds
