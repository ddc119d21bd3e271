"""A recording as a page shows and plays it: how loud it is when, and something that browsers play.

Of a recording of hours no more than a block is in memory at a time.
"""

from __future__ import annotations

import base64
import io
import mmap
import os
import wave
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from trio_calls.audio import SAMPLE_BYTES
from trio_calls.audio._wav_content import PCM, UnreadableWavError, parse_wav
from trio_calls.voice.timeline.page._sound import Sound

Samples = NDArray[np.int16]

#: Pictures of an hour stay small, and of a minute sharp.
MOST_BUCKETS: Final = 12_000
_BUCKETS_A_SECOND: Final = 50

#: Firefox takes data URIs of up to 32 MiB, and base64 adds a third.
MOST_EMBEDDED_BYTES: Final = 20 * 2**20

_BLOCK_FRAMES: Final = 2**16
_STEREO: Final = 2
_FULL_SCALE: Final = 32768
_MOST_CHANNELS: Final = 16
_MOST_SECONDS: Final = 30 * 86400
#: What so much of a recording comes to tells of the rest, which will hardly be so much shorter.
_TELLING_SHARE: Final = 0.05
_UNLIKELY: Final = 1.5
_TYPES: Final = {b"RIFF": "audio/wav", b"fLaC": "audio/flac", b"OggS": "audio/ogg"}


class SoundError(ValueError):
    """A file is no recording of a call, or cannot be read. The message goes on after its name."""


def load_sound(path: Path, start: float, page: Path) -> Sound:
    """Read a recording.

    It is put into the page as it is where that is small enough. Where it is not, or has more
    channels, which browsers mix in ways of their own, what is put there is a stereo copy: as WAV,
    or else as Ogg Vorbis, for which soundfile has to be installed. Without it, and beyond 20 MiB of
    that, the page refers to the file.

    Args:
      path: a WAV file; or, with the extra ``trio-calls[audio]``, any that soundfile reads.
      start: when its first sample was, in seconds on the voice's clock.
      page: where the page will be written.

    Raises:
      SoundError: it is no recording of two channels or more, or cannot be read.
      OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        frames = _open_frames(path, file)
        if not _STEREO <= frames.channels <= _MOST_CHANNELS:
            raise SoundError(f"has {frames.channels} channel(s), and that of a call two or more")
        if not frames.count:
            raise SoundError("holds no audio")
        peaks = _peaks(frames)
        embedded = _embedded(file, frames)
    source = embedded or quote(os.path.relpath(path, page.parent).replace(os.sep, "/"))
    seconds = frames.count / frames.sample_rate
    return Sound(start, seconds, peaks, source, is_embedded=embedded is not None)


class _WavFrames:
    """The frames of a WAV file of 16-bit PCM, which is mapped into memory."""

    def __init__(self, samples: Samples, sample_rate: int, content: mmap.mmap) -> None:
        self._samples = samples
        self._content = content
        self.sample_rate = sample_rate
        self.count, self.channels = samples.shape

    def read(self, start: int, end: int) -> Samples:
        """Return an array of shape (frames, channels)."""
        block = self._samples[start:end].copy()
        if hasattr(mmap, "MADV_DONTNEED"):
            self._content.madvise(mmap.MADV_DONTNEED)
        return block


class _OtherFrames:
    """The frames of a file that soundfile reads, one block after another."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.sample_rate: int = file.samplerate
        self.count: int = file.frames
        self.channels: int = file.channels

    def read(self, start: int, end: int) -> Samples:
        """Return an array of shape (frames, channels)."""
        if self._file.tell() != start:
            self._file.seek(start)
        # Asked for integers, libsndfile cuts floats off instead of scaling them.
        samples: NDArray[np.float32]
        samples = self._file.read(end - start, dtype="float32", always_2d=True)
        return (
            np.nan_to_num(np.rint(samples * _FULL_SCALE))
            .clip(-_FULL_SCALE, _FULL_SCALE - 1)
            .astype(np.int16)
        )


_Frames = _WavFrames | _OtherFrames


def _open_frames(path: Path, file: io.BufferedReader) -> _Frames:
    if not file.peek(1):
        raise SoundError("is empty")
    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if content[:4] in (b"RIFF", b"RF64"):
        try:
            wav = parse_wav(content)
        except UnreadableWavError as error:
            raise SoundError(str(error)) from error
        if wav.coding == PCM and wav.sample_bytes == SAMPLE_BYTES:
            samples = np.frombuffer(wav.data, "<i2").reshape(-1, wav.channels)
            return _WavFrames(samples, wav.sample_rate, content)
    soundfile = _soundfile()
    if soundfile is None:
        raise SoundError("is read with soundfile: install the extra 'audio' of trio-calls")
    try:
        frames = _OtherFrames(soundfile.SoundFile(path))
    except soundfile.SoundFileError as error:
        raise SoundError("is no recording that can be read") from error
    if frames.count > _MOST_SECONDS * frames.sample_rate:
        # What libsndfile says of a file whose end it does not find.
        raise SoundError("is cut short, so that nobody knows how long it is")
    return frames


def _soundfile() -> ModuleType | None:
    try:
        import soundfile  # noqa: PLC0415  # of an extra
    except (ImportError, OSError):  # an OSError where its library is missing
        return None
    module: ModuleType = soundfile
    return module


def _peaks(frames: _Frames) -> list[NDArray[np.int32]]:
    seconds = frames.count / frames.sample_rate
    buckets = min(frames.count, MOST_BUCKETS, int(seconds * _BUCKETS_A_SECOND) + 1)
    edges = np.arange(buckets + 1, dtype=np.int64) * frames.count // buckets
    at_once = max(1, _BLOCK_FRAMES * buckets // frames.count)
    found = []
    for first in range(0, buckets, at_once):
        some = edges[first : first + at_once + 1]
        block = frames.read(int(some[0]), int(some[-1]))
        starts = some[:-1] - some[0]
        # A file that announced more than it holds ends in silence.
        block = np.pad(block, ((0, int(some[-1] - some[0]) - len(block)), (0, 0)))
        highest = np.maximum.reduceat(block, starts, axis=0).astype(np.int32)
        lowest = np.minimum.reduceat(block, starts, axis=0).astype(np.int32)
        found.append(np.maximum(highest, -lowest))
    return list(np.concatenate(found).T)


def _embedded(file: io.BufferedReader, frames: _Frames) -> str | None:
    """Return a data URI of the recording, or None where none is small enough."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    kind = _TYPES.get(file.read(4))
    if frames.channels == _STEREO and size <= MOST_EMBEDDED_BYTES and kind is not None:
        file.seek(0)
        return _data_uri(kind, file.read())
    if frames.count * _STEREO * SAMPLE_BYTES <= MOST_EMBEDDED_BYTES:
        return _data_uri("audio/wav", _wav_copy(frames))
    copy = _vorbis_copy(frames)
    return None if copy is None else _data_uri("audio/ogg", copy)


def _wav_copy(frames: _Frames) -> bytes:
    copy = io.BytesIO()
    with wave.open(copy, "wb") as writer:
        writer.setnchannels(_STEREO)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(frames.sample_rate)
        for block in _stereo_blocks(frames):
            writer.writeframes(block.astype("<i2").tobytes())
    return copy.getvalue()


def _vorbis_copy(frames: _Frames) -> bytes | None:
    """Return an Ogg Vorbis file; None where it would be too large, or soundfile is missing.

    Opus is as small, and takes four times as long to make.
    """
    soundfile = _soundfile()
    if soundfile is None:
        return None
    copy = io.BytesIO()
    with soundfile.SoundFile(
        copy, "w", frames.sample_rate, _STEREO, format="OGG", subtype="VORBIS"
    ) as writer:
        written = 0
        for block in _stereo_blocks(frames):
            writer.write(block)
            written += len(block)
            if _will_be_too_large(copy.tell(), written / frames.count):
                return None
    return copy.getvalue()


def _will_be_too_large(size: int, share: float) -> bool:
    """Guess from what has been made so far, so that hours are not made for nothing."""
    is_much = share > _TELLING_SHARE and size > _UNLIKELY * share * MOST_EMBEDDED_BYTES
    return is_much or size > MOST_EMBEDDED_BYTES


def _stereo_blocks(frames: _Frames) -> Iterator[Samples]:
    """Yield what each ear gets: left everybody whom the agent heard, right the agent."""
    for start in range(0, frames.count, _BLOCK_FRAMES):
        block = frames.read(start, min(start + _BLOCK_FRAMES, frames.count))
        heard = block[:, :-1].sum(axis=1, dtype=np.int32).clip(-_FULL_SCALE, _FULL_SCALE - 1)
        yield np.stack([heard.astype(np.int16), block[:, -1]], axis=1)


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
