"""WAV files of the one sample format; any other is refused with the command that converts it."""

import os
import shlex
import wave
from pathlib import Path

from trio_calls.audio._pcm import SAMPLE_BYTES, to_samples


def read_wav(path: str | os.PathLike[str], sample_rate: int) -> bytes:
    """Read a WAV file of mono 16-bit audio.

    Args:
        path: the file.
        sample_rate: the rate that the file must have, in Hz. Nothing is resampled.

    Returns:
        Mono signed 16-bit little-endian audio.

    Raises:
        ValueError: the file is not a WAV file, is damaged, or is not mono, 16-bit and at
            `sample_rate`. The message says what the file is and how to convert it.
        OSError: the file cannot be opened or read.
    """
    file_path = Path(path)
    try:
        with file_path.open("rb") as file, wave.open(file) as reader:
            _check_format(reader, file_path, sample_rate)
            sample_count = reader.getnframes()
            pcm: bytes = reader.readframes(sample_count)
    except (wave.Error, EOFError, RuntimeError) as error:
        # The standard library raises a bare EOFError where the file ends too early, and a bare
        # RuntimeError where a chunk is longer than what it is part of.
        reason = str(error) or "it is damaged"
        raise ValueError(
            f"{file_path} is not a WAV file of plain PCM audio: {reason}. "
            f"{_conversion_advice(file_path, sample_rate)}"
        ) from error
    if len(pcm) != sample_count * SAMPLE_BYTES:
        raise ValueError(
            f"{file_path} is cut short: it announces {sample_count * SAMPLE_BYTES} bytes of audio "
            f"and holds {len(pcm)}. {_conversion_advice(file_path, sample_rate)}"
        )
    return pcm


def write_wav(path: str | os.PathLike[str], pcm: bytes, sample_rate: int) -> None:
    """Write audio to a WAV file, replacing any file of that name.

    Args:
        path: the file.
        pcm: mono signed 16-bit little-endian audio.
        sample_rate: samples per second, in Hz.

    Raises:
        ValueError: the number of bytes is odd. Nothing is written then.
        OSError: the file cannot be written.
    """
    to_samples(pcm)
    with Path(path).open("wb") as file, wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm)


def _check_format(reader: wave.Wave_read, path: Path, sample_rate: int) -> None:
    found = (reader.getnchannels(), reader.getsampwidth(), reader.getframerate())
    if found != (1, SAMPLE_BYTES, sample_rate):
        channels, width, rate = found
        raise ValueError(
            f"{path} has {channels} channel(s) of {8 * width}-bit samples at {rate} Hz, "
            f"but 1 channel of 16-bit samples at {sample_rate} Hz is needed. "
            f"{_conversion_advice(path, sample_rate)}"
        )


def _conversion_advice(path: Path, sample_rate: int) -> str:
    converted = path.with_name(f"{path.stem}-{sample_rate}hz.wav")
    command = ["sox", str(path), "-r", str(sample_rate), "-c", "1", "-b", "16", str(converted)]
    return f"To convert it: {shlex.join(command)}"
