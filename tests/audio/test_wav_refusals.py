"""Never silence without a word: what cannot be read is named."""

import re
from pathlib import Path

import pytest

from tests.support.wav_files import chunk, extensible, fmt, plain, riff
from trio_calls.audio import read_wav
from trio_calls.audio._recording import read_recording

WHOLE = plain(bytes(100))
UNREADABLE = {
    "nothing": (b"", "is not a WAV file: it is empty"),
    "text": (b"Hello, this is", "is not a WAV file: it begins with b'Hello, this '"),
    "short text": (b"Hi", "is not a WAV file: it begins with b'Hi'"),
    "id3": (b"ID3\x04\0\0\0\0\0\0\0\0", "is not a WAV file: it is an MP3 file"),
    "mp3": (b"\xff\xfb\x90\x64" + bytes(9), "is not a WAV file: it is an MP3 or AAC file"),
    "ogg": (b"OggS" + bytes(9), "is not a WAV file: it is an Ogg file"),
    "flac": (b"fLaC" + bytes(9), "is not a WAV file: it is a FLAC file"),
    "m4a": (b"\0\0\0\x20ftypM4A ", "is not a WAV file: it is an MP4 or M4A file"),
    "big-endian": (b"RIFX\0\0\0\0WAVE", "is not a WAV file: it is a WAV file with the byte order"),
    "avi": (b"RIFF\0\0\0\0AVI ", "is not a WAV file: it begins with b'RIFF"),
    "head only": (WHOLE[:12], "there is no description of its audio in it"),
    "half a header": (WHOLE[:30], "there is no audio in it"),
    "no data": (WHOLE[:36], "there is no audio in it"),
    "no fmt": (riff(chunk(b"data", bytes(100))), "there is no description of its audio in it"),
    "cut": (WHOLE[:-2], "is cut short: it announces 100 bytes of audio and holds 98"),
    "short fmt": (plain(bytes(9), fmt()[:12]), "the description of its audio is cut short"),
    "short extensible": (plain(bytes(9), extensible()[:26]), "its audio is cut short"),
    "no channels": (plain(bytes(9), fmt(channels=0)), "it announces 0 channel(s) at 24000 Hz"),
    "no rate": (plain(bytes(9), fmt(rate=0)), "it announces 1 channel(s) at 0 Hz"),
    "3 bits": (plain(bytes(9), fmt(bits=3)), "has 3-bit samples; those of 8 to 32 bits can be"),
    "64 bits": (plain(bytes(9), fmt(bits=64)), "has 64-bit samples"),
    "no audio": (plain(b""), "holds no audio"),
    "half a sample": (plain(b"a"), "holds no audio"),
    "unknown": (
        plain(bytes(9), fmt(coding=0x1234)),
        "has samples of format 0x1234, which cannot be",
    ),
    "unknown GUID": (
        plain(bytes(9), extensible(tail=bytes(14))),
        "of an unknown kind (format 0100",
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    content, reason = UNREADABLE[kind]
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(reason)) as error:
        read_recording(path)
    assert str(error.value).startswith(f"{path} ")
    with pytest.raises(ValueError, match=re.escape(reason) + r".*\. To convert it: sox "):
        read_wav(path, 24000)
