"""WAV files of any rate, turned into the one sample format. Needs the extra ``trio-calls[cli]``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from trio_calls.audio._wav import load_wav
from trio_calls.audio._wav_content import UnreadableWavError
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
            ModuleNotFoundError: the rates differ, and soxr is not installed.
        """
        samples = self.samples
        if sample_rate != self.sample_rate:
            samples = _resample(samples, self.sample_rate, sample_rate)
        return quantize(samples)


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Read a WAV file of any rate and any number of channels.

    PCM of 8 to 32 bits is read without more; float, mu-law, A-law and what else soundfile decodes,
    with the extra ``trio-calls[audio]``. Headers may be as `trio_calls.audio.read_wav` takes them.

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
        wav = load_wav(file_path)
        return Recording(decode(wav).mean(axis=1), wav.sample_rate)
    except UnreadableWavError as error:
        raise ValueError(f"{file_path} {error}") from error


def _resample(samples: NDArray[np.float64], from_rate: int, to_rate: int) -> NDArray[np.float64]:
    try:
        import soxr  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"audio at {from_rate} Hz cannot be resampled to {to_rate} Hz without soxr: "
            "install the extra 'cli' of trio-calls"
        ) from None
    resampled: NDArray[np.float64] = soxr.resample(samples, from_rate, to_rate)
    return resampled
