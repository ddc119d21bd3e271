"""A WAV file that grows, and can be played at any moment. Blocks: for threads."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Final

from trio_calls.audio._wav_header import HEADER_BYTES, MAX_AUDIO_BYTES, wav_header

#: For its owner alone: what people say on the telephone is nobody else's business.
_MODE: Final = 0o600


class WavFile:
    """A WAV file to which audio is appended, for its owner alone.

    After each `append` its header is right: a process that is killed leaves a file that plays.

    Args:
      path: of the file. What is in it is replaced.
      sample_rate: in Hz.
      channels: how many there are.

    Raises:
      OSError: the file cannot be made.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        self._header: Final = (sample_rate, channels)
        self._audio_bytes = 0
        # A thread that nobody waits for any longer may still be writing.
        self._lock: Final = threading.Lock()
        self._descriptor: Final = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, _MODE)
        try:
            if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                # One that was there before may have been for others, too.
                os.fchmod(self._descriptor, _MODE)
            self._write(wav_header(*self._header, 0), 0)
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, pcm: bytes) -> None:
        """Append audio.

        Args:
          pcm: signed 16-bit little-endian audio, channel by channel in each sample.

        Raises:
          OSError: it cannot be written. What was written before can still be played.
        """
        if self._audio_bytes + len(pcm) > MAX_AUDIO_BYTES:
            raise OSError(
                "a WAV file holds no more than 4 GiB: record long calls into several files"
            )
        with self._lock:
            self._write(pcm, HEADER_BYTES + self._audio_bytes)
            self._audio_bytes += len(pcm)
            self._write(wav_header(*self._header, self._audio_bytes), 0)

    def close(self) -> None:
        """Close the file.

        Raises:
          OSError: something of it was not written, as the system says only now.
        """
        with self._lock:
            os.close(self._descriptor)

    def _write(self, data: bytes, position: int) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._descriptor, rest, position)
            rest, position = rest[written:], position + written
