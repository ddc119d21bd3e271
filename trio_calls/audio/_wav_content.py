"""What a WAV file holds, as people have them: written to pipes, by services, with odd chunks.

The standard library's ``wave`` takes lengths at their word, and refuses extensible headers on
Python 3.11.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from typing import Final

from attrs import field, frozen

#: A whole file, in memory or mapped into it.
FileContent = bytes | mmap.mmap

HEAD_BYTES: Final = 12
"""The size of what tells whether a file is a WAV file, at its beginning."""

PCM: Final = 1
FLOAT: Final = 3
_EXTENSIBLE: Final = 0xFFFE
_CODINGS: Final = {
    2: "MS ADPCM",
    FLOAT: "float",
    6: "A-law",
    7: "mu-law",
    0x11: "IMA ADPCM",
    0x31: "GSM 6.10",
}
#: The rest of the GUID of a coding that has a number, behind that number.
_NUMBERED: Final = bytes.fromhex("0000 0000 1000 8000 00aa00389b71")

_SHORTEST_HEADER: Final = 14
_EXTENSIBLE_HEADER: Final = 40
_FEWEST_BITS: Final = 8
_MOST_BITS: Final = 32
#: Whoever cannot go back to the header writes 0 into it, or one of several numbers near 2 or 4 GiB.
#: Where the file is shorter, such a number is no length. So much audio lasts for hours.
_LEAST_PLACEHOLDER: Final = 2**30
#: The length of the audio is told in the chunk ds64.
_ELSEWHERE: Final = 2**32 - 1

_CUT_HEADER: Final = "is a damaged WAV file: the description of its audio is cut short"
_BEGINNINGS: Final = {
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file",
    b"RIFX": "a WAV file with the byte order reversed (RIFX)",
    b".snd": "an AU file",
    b"caff": "a CAF file",
    b"\x1aE\xdf\xa3": "a WebM or Matroska file",
}
_MP3_SYNC: Final = 0xFFE0


class UnreadableWavError(ValueError):
    """A file is no WAV file that can be read. The message goes on where the file's name ends."""


@frozen
class WavContent:
    """The samples of a WAV file as they are in it, and what they are.

    Attributes:
        coding: the number of the coding. `PCM` is all that can be read without soundfile.
        channels: how many channels there are, at least one.
        sample_rate: samples per second, in Hz, at least one.
        bits: the size of a sample as the header tells it.
        sample_bytes: the size of a sample of PCM as it is stored, padding included.
        header: the chunk that tells all this.
        data: the samples, channel by channel in turn; at least one of each.
    """

    coding: int
    channels: int
    sample_rate: int
    bits: int
    sample_bytes: int
    header: bytes = field(repr=False)
    data: memoryview = field(repr=False)

    @property
    def description(self) -> str:
        """The kind of the samples, in words."""
        if self.coding == PCM:
            return f"{self.bits}-bit samples"
        if self.coding == FLOAT:
            return f"{self.bits}-bit float samples"
        if self.coding in _CODINGS:
            return f"{_CODINGS[self.coding]} samples"
        return f"samples of format 0x{self.coding:04x}"

    @property
    def is_known(self) -> bool:
        """Whether it is PCM, or of a coding that soundfile may decode."""
        return self.coding == PCM or self.coding in _CODINGS


def check_is_wav(head: bytes) -> None:
    """Check the beginning of a file.

    Args:
        head: the first `HEAD_BYTES` of the file, or all of it if it is shorter.

    Raises:
        UnreadableWavError: the file is something else. The message says what, where it is known.
    """
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return
    raise UnreadableWavError(f"is not a WAV file: {_what_begins_with(head)}")


def _what_begins_with(head: bytes) -> str:
    if not head:
        return "it is empty"
    for beginning, name in _BEGINNINGS.items():
        if head.startswith(beginning):
            return f"it is {name}"
    if head[4:8] == b"ftyp":
        return "it is an MP4 or M4A file"
    if int.from_bytes(head[:2], "big") & _MP3_SYNC == _MP3_SYNC:
        return "it is an MP3 or AAC file"
    return f"it begins with {head!r}"


def parse_wav(content: FileContent) -> WavContent:
    """Find the samples in a WAV file, and what they are.

    Lengths that stand for an unknown length are taken for the length up to the end of the file. The
    length of the whole file, which many get wrong, is not looked at.

    Args:
        content: the whole file.

    Raises:
        UnreadableWavError: the file is not a WAV file, is damaged or cut short, has samples of
            PCM that are not of 8 to 32 bits, or holds no audio.
    """
    check_is_wav(content[:HEAD_BYTES])
    chunks: dict[bytes, memoryview] = {}
    for name, body in _chunks(content):
        chunks.setdefault(name, body)
        if b"fmt " in chunks and b"data" in chunks:
            return _with_whole_samples(bytes(chunks[b"fmt "]), chunks[b"data"])
    missing = "audio" if b"fmt " in chunks else "description of its audio"
    raise UnreadableWavError(f"is a damaged WAV file: there is no {missing} in it")


def _chunks(content: FileContent) -> Iterator[tuple[bytes, memoryview]]:
    long_size = 0
    position = HEAD_BYTES
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        start = position + 8
        if name == b"data":
            is_elsewhere = size == _ELSEWHERE and long_size
            size = _audio_size(content, start, long_size if is_elsewhere else size)
        body = memoryview(content)[start : start + size]
        if name == b"ds64":
            long_size = int.from_bytes(body[8:16], "little")
        yield name, body
        position = _next_chunk(content, start, size)


def _audio_size(content: FileContent, start: int, announced: int) -> int:
    rest = len(content) - start
    if announced == 0:
        return 0 if _are_chunks(content, start) else rest
    if announced <= rest:
        return announced
    if announced >= _LEAST_PLACEHOLDER:
        return rest
    raise UnreadableWavError(
        f"is cut short: it announces {announced} bytes of audio and holds {rest}"
    )


def _are_chunks(content: FileContent, position: int) -> bool:
    """Return whether the rest of a file is chunks, rather than audio of a length left open."""
    while position + 8 <= len(content):
        if not _is_name(content[position : position + 4]):
            return False
        (size,) = struct.unpack_from("<I", content, position + 4)
        position = _next_chunk(content, position + 8, size)
    return position >= len(content) or not any(content[position:])


def _next_chunk(content: FileContent, start: int, size: int) -> int:
    """Return where the next chunk begins. Some writers do not pad those of odd size."""
    end = start + size
    if size % 2 == 0:
        return end
    is_padded = content[end + 1 : end + 5] in (b"fmt ", b"data")
    return end if _is_name(content[end : end + 4]) and not is_padded else end + 1


def _is_name(name: bytes) -> bool:
    return re.fullmatch(rb"[ -~]{4}", name) is not None


def _with_whole_samples(header: bytes, data: memoryview) -> WavContent:
    if len(header) < _SHORTEST_HEADER:
        raise UnreadableWavError(_CUT_HEADER)
    coding, channels, sample_rate, block_bytes = struct.unpack_from("<HHI4xH", header)
    if not channels or not sample_rate:
        raise UnreadableWavError(
            f"is a damaged WAV file: it announces {channels} channel(s) at {sample_rate} Hz"
        )
    if coding == _EXTENSIBLE:
        coding = _coding_of(header)
    # The oldest headers end before the size of a sample.
    bits = int.from_bytes(header[14:16], "little") or 8 * block_bytes // channels
    sample_bytes = _stored_bytes(bits, block_bytes / channels)
    if coding == PCM:
        if not _FEWEST_BITS <= bits <= _MOST_BITS:
            raise UnreadableWavError(f"has {bits}-bit samples; those of 8 to 32 bits can be read")
        data = data[: len(data) - len(data) % (sample_bytes * channels)]
    if not data:
        raise UnreadableWavError("holds no audio")
    return WavContent(coding, channels, sample_rate, bits, sample_bytes, header, data)


def _coding_of(header: bytes) -> int:
    if len(header) < _EXTENSIBLE_HEADER:
        raise UnreadableWavError(_CUT_HEADER)
    guid = header[24:40]
    if not guid.endswith(_NUMBERED):
        raise UnreadableWavError(f"has samples of an unknown kind (format {guid.hex()})")
    return int.from_bytes(guid[:2], "little")


def _stored_bytes(bits: int, block_share: float) -> int:
    """Return the size of a stored sample: of 24 bits, three bytes, or four where it is padded.

    Other shares of a block are errors of the writer, which readers of WAV files ignore.
    """
    least = -(-bits // 8)
    is_wider = block_share.is_integer() and least < block_share <= _MOST_BITS // 8
    return int(block_share) if is_wider else least
