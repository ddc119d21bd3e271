"""A WAV file that grows, and can be played at any moment."""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path
from typing import Final

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._wav_header import HEADER_BYTES, MAX_AUDIO_BYTES, wav_header
from trio_calls.voice._thread_file import ThreadFile


class WavFile(ThreadFile):
    """A WAV file to which audio is appended, for its owner alone.

    After each `append` its header is right: a process that is killed leaves a file that plays.

    Args:
      path: of the file. What is in it is replaced.
      sample_rate: in Hz.
      channels: how many there are.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        super().__init__(path)
        self._sample_rate: Final = sample_rate
        self._channels: Final = channels
        self._audio_bytes = 0

    @property
    def seconds(self) -> float:
        """How much is in the file."""
        return self._audio_bytes / (self._sample_rate * self._channels * SAMPLE_BYTES)

    async def append(self, pcm: bytes) -> None:
        """Append audio, or only write the header if there is none.

        Args:
          pcm: signed 16-bit little-endian audio, channel by channel in each sample.

        Raises:
          OSError: it cannot be written. What was written before can still be played.
        """
        await self._in_thread(partial(self._append, pcm))

    def _append(self, pcm: bytes) -> None:
        size = self._audio_bytes + len(pcm)
        if size > MAX_AUDIO_BYTES:
            raise OSError(
                errno.EFBIG, "a WAV file holds 4 GiB: record long calls into several files"
            )
        self._check_is_there()
        self._write(pcm, HEADER_BYTES + self._audio_bytes)
        self._write(wav_header(self._sample_rate, self._channels, size), 0)
        self._audio_bytes = size

    def _check_is_there(self) -> None:
        """Writing into a file that was deleted succeeds, and comes to nothing."""
        assert self._descriptor is not None
        if not os.fstat(self._descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "the file was deleted")

    def _write(self, data: bytes, position: int) -> None:
        assert self._descriptor is not None
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._descriptor, rest, position)
            rest, position = rest[written:], position + written
