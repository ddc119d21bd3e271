"""What the caller of a call hears, written to a file while it is heard."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._wav_header import HEADER_BYTES, OPEN_LENGTH, wav_header


class Recorder:
    """Writes a WAV file, of which nothing is held back: it can be read at any moment.

    So the process may be killed, too. Where writing fails, what was written is kept, and nothing
    more is written. Opened by `open_recorder`.

    Attributes:
      fault: the sentence that says why recording has failed, or None.
    """

    def __init__(self, path: Path | None) -> None:
        self.fault: str | None = None
        self._path = path
        self._file: io.FileIO | None = None
        self._sample_rate: int | None = None

    def open(self) -> None:
        """Empty the file: what is in it is of another call."""
        if self._path is not None:
            with self._faults_noted():
                self._file = io.FileIO(self._path, "w")

    def begin(self, sample_rate: int) -> None:
        """Begin the audio, of a sample rate in Hz. Its length is left open."""
        self._sample_rate = sample_rate
        self._write(wav_header(sample_rate))

    def add(self, pcm: bytes) -> None:
        """Add audio of the one sample format."""
        self._write(pcm)

    def close(self) -> None:
        """Write the lengths into the header, and close the file."""
        if self._file is not None:
            with self._faults_noted(), self._file as file:
                if file.seekable() and self._sample_rate is not None:
                    _write_length(file, self._sample_rate)

    def _write(self, data: bytes) -> None:
        if self._file is not None and self.fault is None:
            with self._faults_noted():
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]

    @contextmanager
    def _faults_noted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.fault is None:
                self.fault = f"cannot write {self._path}: {error.strerror or error}"


@contextmanager
def open_recorder(path: Path | None) -> Iterator[Recorder]:
    """Empty a file, and record into it inside the block.

    Args:
      path: the file; None to record nothing.
    """
    recorder = Recorder(path)
    recorder.open()
    try:
        yield recorder
    finally:
        recorder.close()


def _write_length(file: io.FileIO, sample_rate: int) -> None:
    """Write into the header how long the audio has become, unless there is no header."""
    audio_bytes = file.seek(0, os.SEEK_END) - HEADER_BYTES
    if 0 <= audio_bytes < OPEN_LENGTH - HEADER_BYTES:
        # The disk may have become full in the middle of a sample.
        audio_bytes -= audio_bytes % SAMPLE_BYTES
        file.seek(0)
        file.write(wav_header(sample_rate, audio_bytes=audio_bytes))
