"""The samples of WAV files, decoded. PCM takes nothing but numpy."""

from __future__ import annotations

import io
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio._pcm import to_pcm
from trio_calls.audio._wav_content import PCM, UnreadableWavError, WavContent

_FULL_SCALE: Final = 32768
_LONGEST_BYTES: Final = 2**31


def decode(wav: WavContent) -> NDArray[np.float64]:
    """Decode the samples of a WAV file.

    Args:
        wav: the file's content.

    Returns:
        An array of shape (samples, channels), from -1 to 1. Samples of float may exceed that.

    Raises:
        UnreadableWavError: they cannot be decoded, or not without the extra that the message names.
    """
    if wav.coding == PCM:
        return _decode_pcm(wav.data, wav.sample_bytes).reshape(-1, wav.channels)
    samples = _decode_by_soundfile(wav)
    if not samples.size:
        raise UnreadableWavError("holds no audio")
    if not np.isfinite(samples).all():
        raise UnreadableWavError("is damaged: it has samples that are no numbers")
    return samples


def quantize(samples: NDArray[np.float64]) -> bytes:
    """Convert samples from -1 to 1, of shape (samples,), to PCM. What exceeds that is clipped."""
    return rounded(samples * _FULL_SCALE)


def rounded(samples: NDArray[np.float32] | NDArray[np.float64]) -> bytes:
    """Convert samples from -32768 to 32767 to PCM, in place. What exceeds that is clipped.

    In place, as a stream comes in small pieces, for which each new array costs as much as the sum.
    """
    np.rint(samples, out=samples)
    np.clip(samples, -_FULL_SCALE, _FULL_SCALE - 1, out=samples)
    return to_pcm(samples.astype(np.int16))


def _decode_pcm(data: memoryview, sample_bytes: int) -> NDArray[np.float64]:
    if sample_bytes == 1:
        # 8-bit samples are the only unsigned ones.
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    # Wider samples become 32-bit ones by zeros at their lower end, where padding is, too.
    padded = np.zeros((len(data) // sample_bytes, 4), np.uint8)
    padded[:, 4 - sample_bytes :] = np.frombuffer(data, np.uint8).reshape(-1, sample_bytes)
    decoded: NDArray[np.float64] = padded.view("<i4")[:, 0].astype(np.float64) / 2**31
    return decoded


def _decode_by_soundfile(wav: WavContent) -> NDArray[np.float64]:
    if not wav.is_known or len(wav.data) > _LONGEST_BYTES:
        raise UnreadableWavError(f"has {wav.description}, which cannot be read")
    try:
        import soundfile  # noqa: PLC0415  # of an extra
    except (ImportError, OSError):  # an OSError where its library is missing
        raise UnreadableWavError(
            f"has {wav.description}, which are read with soundfile: "
            "install the extra 'audio' of trio-calls"
        ) from None
    try:
        decoded: NDArray[np.float64]
        decoded, _ = soundfile.read(io.BytesIO(_plain_file(wav)), dtype="float64", always_2d=True)
    except soundfile.SoundFileError as error:
        # Its text would name a file in memory.
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise UnreadableWavError(f"has {wav.description} that cannot be read: {reason}") from error
    return decoded


def _plain_file(wav: WavContent) -> bytes:
    """Return a file of the same audio, whose lengths are right and that has no other chunks.

    soundfile takes some placeholders for lengths, and then reads nothing without a word.
    """
    chunks = b"".join(
        struct.pack("<4sI", name, len(body)) + body + bytes(len(body) % 2)
        for name, body in ((b"fmt ", wav.header), (b"data", wav.data))
    )
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks
