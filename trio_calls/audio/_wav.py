"""WAV files, to and from the one sample format."""

from __future__ import annotations

import os
import shlex
import wave
from pathlib import Path
from typing import TYPE_CHECKING

from trio_calls.audio._as_bytes import as_bytes
from trio_calls.audio._pcm import SAMPLE_BYTES
from trio_calls.audio._recording import decode_recording, load_wav
from trio_calls.audio._wav_content import PCM, UnreadableWavError, WavContent

if TYPE_CHECKING:
    from trio_calls.audio._as_bytes import Pcm


def read_wav(path: str | os.PathLike[str], sample_rate: int) -> bytes:
    """Read a WAV file of any sample rate and any number of channels.

    Files are read as programs and services write them: with extensible headers, and with lengths
    that were left open because they were written to a pipe. Mono audio of 16-bit samples at the
    wanted rate is returned as it is. Channels are mixed down to their mean. PCM of 8 to 32 bits is
    rounded to 16; so are float, mu-law, A-law and what else soundfile decodes, with the extra
    ``trio-calls[audio]``. Other rates are converted with the extra ``trio-calls[voice]``.

    Args:
        path: the file.
        sample_rate: samples per second of what is returned, in Hz.

    Returns:
        Mono signed 16-bit little-endian audio, at least one sample. What is too loud for it is
        clipped.

    Raises:
        ValueError: the file is not a WAV file, is damaged or cut short, holds no audio, or needs an
            extra that is not installed. The message says what the file is and how to convert it.
            Also where the rates differ and one of them is not from 1000 to 768,000.
        OSError: the file cannot be opened or read.
    """
    file_path = Path(path)
    try:
        return _to_pcm(load_wav(file_path), sample_rate)
    except UnreadableWavError as error:
        advice = _conversion_advice(file_path, sample_rate)
        raise ValueError(f"{file_path} {error}. {advice}") from error


def write_wav(path: str | os.PathLike[str], pcm: Pcm, sample_rate: int) -> None:
    """Write audio to a WAV file, replacing any file of that name.

    Args:
        path: the file.
        pcm: mono signed 16-bit little-endian audio: bytes, or an array of 16-bit integers.
        sample_rate: samples per second, in Hz.

    Raises:
        TypeError, ValueError: as `to_samples`. Nothing is written then.
        OSError: the file cannot be written.
    """
    data = as_bytes(pcm)
    with Path(path).open("wb") as file, wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(sample_rate)
        writer.writeframes(data)


def _to_pcm(wav: WavContent, sample_rate: int) -> bytes:
    kind = (wav.coding, wav.sample_bytes, wav.channels, wav.sample_rate)
    if kind == (PCM, SAMPLE_BYTES, 1, sample_rate):
        return bytes(wav.data)
    try:
        return decode_recording(wav).to_pcm(sample_rate)
    except ModuleNotFoundError as error:
        raise UnreadableWavError(
            f"has {wav.channels} channel(s) of {wav.description} at {wav.sample_rate} Hz, "
            f"which soxr converts to {sample_rate} Hz: install the extra 'voice' of trio-calls"
        ) from error


def _conversion_advice(path: Path, sample_rate: int) -> str:
    converted = path.with_name(f"{path.stem}-{sample_rate}hz.wav")
    command = ["sox", str(path), "-r", str(sample_rate), "-c", "1", "-b", "16", str(converted)]
    return f"To convert it: {shlex.join(command)}"
