"""FLAC and Ogg Opus, made from a WAV file when that is complete. Blocks: for threads.

An unfinished FLAC cannot be opened, and Opus takes 14 ms of processor time for a second of a call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

#: So many samples of each channel are converted at a time: some seconds.
_BLOCK_SAMPLES: Final = 65536


@attrs.frozen
class Compression:
    """A format of files, as soundfile names it."""

    format: str
    subtype: str
    sample_rates: tuple[int, ...] | None = None


COMPRESSIONS: Final[Mapping[str, Compression]] = {
    ".flac": Compression("FLAC", "PCM_16"),
    ".ogg": Compression("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000)),
    ".opus": Compression("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000)),
}


def load_soundfile(path: Path) -> Any:
    """Return the module soundfile.

    Raises:
      ModuleNotFoundError: it is not installed. The message says what to do.
    """
    try:
        import soundfile  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"to record into {path.name} needs soundfile: install the extra 'voice' of trio-calls, "
            "or record into a .wav"
        ) from None
    return soundfile


def compress(wav: Path, path: Path, compression: Compression) -> None:
    """Make a file from a WAV file, for its owner alone. It has its name when it is complete.

    Raises:
      OSError, RuntimeError: it cannot be written. There is no such file then, or the one that was
        there before.
    """
    soundfile = load_soundfile(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        with (
            soundfile.SoundFile(wav) as source,
            soundfile.SoundFile(
                descriptor,
                "w",
                source.samplerate,
                source.channels,
                compression.subtype,
                format=compression.format,
                closefd=True,
            ) as target,
        ):
            for block in source.blocks(_BLOCK_SAMPLES, dtype="int16"):
                target.write(block)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
