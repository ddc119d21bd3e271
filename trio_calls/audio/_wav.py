"""WAV files of mono audio at one rate; any other is refused with the command that converts it."""

import os
import shlex
import wave
from pathlib import Path

from trio_calls.audio._pcm import SAMPLE_BYTES, to_samples
from trio_calls.audio._wav_content import (
    HEAD_BYTES,
    PCM,
    UnreadableWavError,
    WavContent,
    check_is_wav,
    parse_wav,
)
from trio_calls.audio._wav_samples import decode, quantize


def read_wav(path: str | os.PathLike[str], sample_rate: int) -> bytes:
    """Read a WAV file of mono audio.

    Files are read as programs and services write them: with extensible headers, and with lengths
    that were left open because they were written to a pipe. Samples of 16 bits are returned as they
    are. PCM of 8 to 32 bits is rounded to 16; so are float, mu-law, A-law and what else soundfile
    decodes, with the extra ``trio-calls[audio]``.

    Args:
        path: the file.
        sample_rate: the rate that the file must have, in Hz. Nothing is resampled.

    Returns:
        Mono signed 16-bit little-endian audio, at least one sample. What is too loud for it is
        clipped.

    Raises:
        ValueError: the file is not a WAV file, is damaged or cut short, holds no audio, is not mono
            and at `sample_rate`, or needs the extra. The message says what the file is and how to
            convert it.
        OSError: the file cannot be opened or read.
    """
    file_path = Path(path)
    try:
        wav = load_wav(file_path)
        _check_format(wav, sample_rate)
        if wav.coding == PCM and wav.sample_bytes == SAMPLE_BYTES:
            return bytes(wav.data)
        return quantize(decode(wav)[:, 0])
    except UnreadableWavError as error:
        advice = _conversion_advice(file_path, sample_rate)
        raise ValueError(f"{file_path} {error}. {advice}") from error


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


def _check_format(wav: WavContent, sample_rate: int) -> None:
    if (wav.channels, wav.sample_rate) != (1, sample_rate):
        raise UnreadableWavError(
            f"has {wav.channels} channel(s) of {wav.description} at {wav.sample_rate} Hz, "
            f"but 1 channel at {sample_rate} Hz is needed"
        )


def _conversion_advice(path: Path, sample_rate: int) -> str:
    converted = path.with_name(f"{path.stem}-{sample_rate}hz.wav")
    command = ["sox", str(path), "-r", str(sample_rate), "-c", "1", "-b", "16", str(converted)]
    return f"To convert it: {shlex.join(command)}"
