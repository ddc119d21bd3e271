"""The audio of a WAV file of any kind, before it becomes the one sample format."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from trio_calls.audio._resampling import is_convertible, resample
from trio_calls.audio._wav_content import (
    HEAD_BYTES,
    UnreadableWavError,
    WavContent,
    check_is_wav,
    parse_wav,
)
from trio_calls.audio._wav_samples import decode, quantize


@frozen(eq=False)
class Recording:
    """The audio of a file, mixed down to mono.

    Attributes:
        samples: an array of shape (samples,), from -1 to 1; those of float may exceed that.
        sample_rate: samples per second, in Hz. Any rate is possible.
    """

    samples: NDArray[np.float64] = field(repr=False)
    sample_rate: int

    def to_pcm(self, sample_rate: int) -> bytes:
        """Convert to the one sample format, resampling where the rates differ.

        Args:
            sample_rate: the wanted samples per second, in Hz.

        Returns:
            Mono signed 16-bit little-endian audio. Samples that do not fit into it are clipped.

        Raises:
            UnreadableWavError: the rates differ, and the recording's is not from 1000 to 768,000.
            ValueError: the rates differ, and `sample_rate` is not from 1000 to 768,000.
            ModuleNotFoundError: the rates differ, and soxr is not installed.
        """
        if sample_rate != self.sample_rate and not is_convertible(self.sample_rate):
            raise UnreadableWavError(f"is at {self.sample_rate} Hz, which cannot be resampled")
        return quantize(resample(self.samples, self.sample_rate, sample_rate))


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Read a WAV file of any rate and any number of channels.

    It may be any file that `trio_calls.audio.read_wav` takes.

    Args:
        path: the file.

    Returns:
        The recording. It is the mean of the file's channels.

    Raises:
        ValueError: the file is not a WAV file, is damaged or cut short, holds no audio, or needs
            the extra. The message says which.
        OSError: the file cannot be opened or read.
    """
    file_path = Path(path)
    try:
        return decode_recording(load_wav(file_path))
    except UnreadableWavError as error:
        raise ValueError(f"{file_path} {error}") from error


def load_wav(path: Path) -> WavContent:
    """Read a WAV file of any kind, without decoding it.

    Raises:
        UnreadableWavError: there is no audio in it, or it is no WAV file. Of other files only the
            beginning is read.
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        check_is_wav(head)
        return parse_wav(head + file.read())


def decode_recording(wav: WavContent) -> Recording:
    """Decode the content of a WAV file, and mix its channels down.

    Raises:
        UnreadableWavError: it cannot be decoded, or not without the extra that the message names.
    """
    return Recording(decode(wav).mean(axis=1), wav.sample_rate)
