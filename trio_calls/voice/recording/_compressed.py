"""FLAC and Ogg Opus, made from a WAV file when that is complete.

An unfinished FLAC cannot be opened, and Opus takes 14 ms of processor time for a second of a call.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import trio

#: So many samples of each channel are converted at a time: some seconds.
_BLOCK_SAMPLES: Final = 65536

#: So many files are made at once: the processor is for calls.
_THREADS: Final = 2

#: For its owner alone, as the WAV file.
_MODE: Final = 0o600


@attrs.frozen
class Compression:
    """A format of files, as soundfile names it."""

    format: str
    subtype: str


COMPRESSIONS: Final[Mapping[str, Compression]] = {
    ".flac": Compression("FLAC", "PCM_16"),
    ".ogg": Compression("OGG", "OPUS"),
    ".opus": Compression("OGG", "OPUS"),
}


def load_soundfile(path: Path) -> Any:
    """Return the module soundfile.

    Raises:
      ModuleNotFoundError: it is not installed. The message says what to do.
    """
    try:
        import soundfile  # noqa: PLC0415  # of an extra
    except (ImportError, OSError):  # an OSError where its library is missing
        raise ModuleNotFoundError(
            f"to record into {path.name} needs soundfile: install the extra 'voice' of trio-calls, "
            "or record into a .wav"
        ) from None
    return soundfile


async def compress(wav: Path, path: Path, compression: Compression) -> None:
    """Make a file of a WAV file, which is removed. It has its name when it is complete.

    Raises:
      OSError, RuntimeError: it cannot be made. The WAV file is still there, and so is the file that
        had its name before.

    Cancellation: is not waited for: there is no such file then, as where it cannot be made.
    """
    compressing = _Compressing(wav, path, compression)
    try:
        await trio.to_thread.run_sync(
            compressing.run, limiter=_limiter_of_run(), abandon_on_cancel=True
        )
    except trio.Cancelled:
        compressing.is_given_up = True
        raise


class _Compressing:
    """The making of a file, in a thread, which may be given up from another."""

    def __init__(self, wav: Path, path: Path, compression: Compression) -> None:
        self.is_given_up = False
        self._wav = wav
        self._path = path
        self._compression = compression

    def run(self) -> None:
        unfinished = self._path.with_name(f".{self._path.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        try:
            frames = self._write(unfinished)
            if not self.is_given_up:
                self._check_is_whole(unfinished, frames)
                unfinished.replace(self._path)
                self._wav.unlink()
        finally:
            unfinished.unlink(missing_ok=True)

    def _write(self, unfinished: Path) -> int:
        """Write the file. Returns how many samples of each channel it should have."""
        soundfile = load_soundfile(self._path)
        kind = self._compression
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
        with soundfile.SoundFile(self._wav) as source:
            descriptor = os.open(unfinished, flags, _MODE)
            form = source.samplerate, source.channels, kind.subtype
            with soundfile.SoundFile(descriptor, "w", *form, format=kind.format) as target:
                if not source.frames:
                    # Without a sample there would be no header, and nothing could open the file.
                    target.write(np.zeros((1, source.channels), np.int16))
                for block in source.blocks(_BLOCK_SAMPLES, dtype="int16"):
                    if self.is_given_up:
                        break
                    target.write(block)
            frames: int = max(source.frames, 1)
            return frames

    def _check_is_whole(self, unfinished: Path, frames: int) -> None:
        """Raise an OSError where not all of it is there.

        libsndfile tells nobody that the disk was full when it closed a file: see
        ``findings/soundfile-full-disk-at-close.sh``.
        """
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        if load_soundfile(self._path).info(unfinished).frames != frames:
            raise OSError(errno.ENOSPC, "not all of it could be written: is the disk full?")


#: One for each run of Trio: a thread that outlives a run never gives its place back.
_LIMITER: Final[trio.lowlevel.RunVar[trio.CapacityLimiter]] = trio.lowlevel.RunVar(
    "limiter of compressing"
)


def _limiter_of_run() -> trio.CapacityLimiter:
    try:
        return _LIMITER.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_THREADS)
        _LIMITER.set(limiter)
        return limiter
