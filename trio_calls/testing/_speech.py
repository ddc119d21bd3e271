"""Speech with a name, and how tests load it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from trio_calls.audio import duration_seconds, read_wav


class Speech(bytes):
    """Audio from a file: its samples, as `bytes`, and a name for the report of a failing test.

    Attributes:
      name: the file's name, as the test gave it.
      seconds: the duration, in seconds.
    """

    name: str
    seconds: float

    def __new__(cls, pcm: bytes, name: str, sample_rate: int) -> Speech:
        """Make speech of audio and a name.

        Args:
          pcm: mono signed 16-bit little-endian audio.
          name: the name for the report of a failing test.
          sample_rate: the sample rate of the audio, in Hz.
        """
        speech = super().__new__(cls, pcm)
        speech.name = name
        speech.seconds = duration_seconds(len(pcm), sample_rate)
        return speech

    def __repr__(self) -> str:
        return f"<Speech {self.name}, {self.seconds:.2f} s>"


class WavLoader:
    """Loads WAV files by name. The fixture `wav` is one.

    Args:
      folders: the folders to look in, in this order.
      sample_rate: the rate that the files are converted to, in Hz.
    """

    def __init__(self, folders: Sequence[Path], sample_rate: int) -> None:
        self._folders = tuple(folders)
        self._sample_rate = sample_rate

    def __call__(self, name: str | os.PathLike[str]) -> Speech:
        """Load a WAV file of any kind, as audio at the simulator's sample rate.

        It is read by `trio_calls.audio.read_wav`.

        Args:
          name: the file's path, relative to one of the folders or absolute.

        Raises:
          FileNotFoundError: the file is in none of the folders. The message names them.
          ValueError: it is no WAV file that can be read, holds no audio, or needs an extra. The
            message says what it is, and how to convert it.
          OSError: the file cannot be read.
        """
        __tracebackhide__ = True
        for folder in self._folders:
            path = folder / name
            if path.is_file():
                pcm = read_wav(path, self._sample_rate)
                return Speech(pcm, os.fspath(name), self._sample_rate)
        folders = ", ".join(str(folder) for folder in self._folders)
        raise FileNotFoundError(
            f"there is no {os.fspath(name)} in {folders}; the ini option trio_calls_audio names "
            "more folders to look in"
        )
