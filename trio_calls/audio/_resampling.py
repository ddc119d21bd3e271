"""WAV files of any rate, turned into the one sample format. Needs the extra ``trio-calls[cli]``."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from trio_calls.audio._pcm import to_pcm

_FULL_SCALE = 32768


@frozen(eq=False)
class Recording:
    """The audio of a file, mixed down to mono.

    Attributes:
        samples: an array of shape (samples,), from -1 to 1.
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
        scaled = np.rint(samples * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1)
        return to_pcm(scaled.astype(np.int16))


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Read a WAV file of plain PCM: any rate, any number of channels, 8 to 32 bits.

    Args:
        path: the file.

    Returns:
        The recording. It is the mean of the file's channels.

    Raises:
        ValueError: the file is not a WAV file of plain PCM, is cut short, or holds no audio.
        OSError: the file cannot be opened or read.
    """
    file_path = Path(path)
    try:
        with file_path.open("rb") as file, wave.open(file) as reader:
            channels, width, sample_rate, count = reader.getparams()[:4]
            data = reader.readframes(count)
    except (wave.Error, EOFError, RuntimeError) as error:
        # The standard library raises a bare EOFError or RuntimeError where a file is damaged.
        raise ValueError(
            f"{file_path} is not a WAV file of plain PCM audio: {str(error) or 'it is damaged'}"
        ) from error
    if len(data) != count * channels * width:
        raise ValueError(f"{file_path} is cut short")
    if not data or not sample_rate:
        raise ValueError(f"{file_path} holds no audio")
    samples = _decode(data, width).reshape(-1, channels).mean(axis=1)
    return Recording(samples, sample_rate)


def _decode(data: bytes, width: int) -> NDArray[np.float64]:
    if width == 1:
        # 8-bit samples are the only unsigned ones.
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    # Wider samples become 32-bit ones by zeros at their lower end.
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    decoded: NDArray[np.float64] = padded.view("<i4")[:, 0].astype(np.float64) / 2**31
    return decoded


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
