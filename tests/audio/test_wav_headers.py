"""Headers as people have them: lengths left open, odd chunks, extensible formats."""

import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wav_files import UNKNOWN_LENGTH, chunk, extensible, fmt, plain, riff
from trio_calls.audio import noise, read_wav
from trio_calls.audio._recording import read_recording
from trio_calls.audio._wav_content import parse_wav

PCM = noise(0.05, 24000, seed=1)
LIST = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf61.7.100\0\0")
OPEN_LENGTHS = [
    0,
    UNKNOWN_LENGTH,
    UNKNOWN_LENGTH - 36,
    0xFFFFFF00,
    0xFFFFFFDB,
    0x7FFFFFFF,
    0x7FFFFFFF - 36,
    0x7FFFF000,
    0x7FFFFF00,
    0x80000000,
    0x7FFF0000,
]


def audio_of(content: bytes) -> bytes:
    return bytes(parse_wav(content).data)


@pytest.mark.parametrize("length", OPEN_LENGTHS, ids=hex)
@pytest.mark.parametrize("before", [[], [LIST]], ids=["bare", "LIST"])
@pytest.mark.parametrize("whole", [0, UNKNOWN_LENGTH, 36, None])
def test_audio_of_open_length_is_read_to_the_end(
    tmp_path: Path, length: int, before: list[bytes], whole: int | None
) -> None:
    path = tmp_path / "streamed.wav"
    data = chunk(b"data", PCM, size=length)
    path.write_bytes(riff(chunk(b"fmt ", fmt()), *before, data, size=whole))
    assert read_wav(path, 24000) == PCM
    assert read_recording(path).to_pcm(24000) == PCM


@pytest.mark.parametrize("length", OPEN_LENGTHS, ids=hex)
def test_half_a_sample_at_the_end_is_left_out(length: int) -> None:
    stereo = plain(PCM + b"ab", fmt(channels=2), size=length)
    assert audio_of(stereo) == PCM


@pytest.mark.parametrize("after", [b"", LIST, chunk(b"id3 ", b"abc") + LIST, b"\0", bytes(3)])
def test_a_length_of_0_is_meant_where_no_audio_follows(after: bytes) -> None:
    with pytest.raises(ValueError, match="holds no audio"):
        parse_wav(riff(chunk(b"fmt ", fmt()), chunk(b"data", b""), after))


def test_digital_silence_of_open_length_is_audio() -> None:
    assert audio_of(plain(bytes(100), size=0)) == bytes(100)


def test_what_comes_after_audio_of_a_known_length_is_no_audio() -> None:
    content = riff(chunk(b"fmt ", fmt()), chunk(b"data", PCM), LIST, PCM)
    assert audio_of(content) == PCM


@pytest.mark.parametrize("kind", [b"RF64", b"BW64"])
@pytest.mark.parametrize("long_size", [len(PCM), 0, 2**64 - 1])
def test_long_files_tell_the_length_elsewhere(kind: bytes, long_size: int) -> None:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, long_size, 0, 0))
    data = chunk(b"data", PCM, size=UNKNOWN_LENGTH)
    after = LIST if long_size == len(PCM) else b""
    content = riff(ds64, chunk(b"fmt ", fmt()), data, after, kind=kind, size=UNKNOWN_LENGTH)
    assert audio_of(content) == PCM


NAMES = st.sampled_from([b"LIST", b"bext", b"JUNK", b"fact", b"PEAK", b"id3 ", b"cue "])
EVEN = st.lists(st.builds(chunk, NAMES, st.binary(max_size=9)), max_size=3)
# Behind a chunk that is not padded as it should be, only one that matters is recognised.
ODD = st.builds(chunk, NAMES, st.binary(max_size=9), pad=st.sampled_from([b"\0", b"", b"x", b" "]))


@given(EVEN, ODD, EVEN, ODD, EVEN)
def test_chunks_of_any_size_and_padding_are_passed_over(
    first: list[bytes], before: bytes, second: list[bytes], between: bytes, last: list[bytes]
) -> None:
    header, data = chunk(b"fmt ", fmt()), chunk(b"data", PCM)
    assert audio_of(riff(*first, before, header, *second, between, data, *last)) == PCM


@pytest.mark.parametrize("pad", [b"\0", b"", b"x", b" "])
def test_a_chunk_of_odd_size_before_the_audio(pad: bytes) -> None:
    content = riff(chunk(b"fmt ", fmt()), chunk(b"note", b"odd", pad=pad), chunk(b"data", PCM))
    assert audio_of(content) == PCM


def test_the_audio_may_come_first() -> None:
    assert audio_of(riff(LIST, chunk(b"data", PCM), chunk(b"fmt ", fmt()))) == PCM


@pytest.mark.parametrize(
    "header",
    [fmt()[:14], fmt(), fmt(more=b"\0\0"), fmt(more=bytes(24)), extensible(), fmt(block=0)],
    ids=["14", "16", "18", "40", "extensible", "no block"],
)
def test_headers_of_every_length(header: bytes) -> None:
    assert audio_of(plain(PCM, header)) == PCM


@pytest.mark.parametrize("header", [fmt, extensible])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_width_is_read_to_the_bit(
    tmp_path: Path, header: Callable[..., bytes], bits: int, channels: int
) -> None:
    values = np.random.default_rng(1).integers(-(2**15), 2**15, (200, channels))
    shifted = values * 2 ** (bits - 16) if bits > 8 else values // 256 + 128
    data = b"".join(
        int(value).to_bytes(bits // 8, "little", signed=bits > 8) for value in shifted.flat
    )
    path = tmp_path / "any.wav"
    path.write_bytes(plain(data, header(bits=bits, channels=channels)))
    expected = values if bits > 8 else values // 256 * 256
    recording = read_recording(path)
    assert np.array_equal(recording.samples, (expected / 32768).mean(axis=1))
    if channels == 1:
        assert read_wav(path, 24000) == expected.astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (extensible(bits=24, valid_bits=20), b"\0\0\x40"),
        (extensible(bits=32, valid_bits=24), b"\0\0\0\x40"),
        (fmt(bits=12), b"\0\x40"),
        (fmt(bits=20), b"\0\0\x40"),
        (fmt(bits=24, block=4), b"\0\0\0\x40"),
    ],
    ids=["20 of 24", "24 of 32", "12", "20", "24 in 4 bytes"],
)
def test_padded_samples_are_as_loud_as_others(tmp_path: Path, header: bytes, data: bytes) -> None:
    path = tmp_path / "padded.wav"
    path.write_bytes(plain(data * 4, header))
    assert list(read_recording(path).samples) == [0.5] * 4


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_what_the_standard_library_writes_into_a_pipe(width: int, tmp_path: Path) -> None:
    """It cannot go back to the header, in which it has left the length at 0."""

    class Pipe:
        def __init__(self) -> None:
            self.written = b""

        def write(self, data: bytes) -> int:
            self.written += data
            return len(data)

        def flush(self) -> None:
            pass

    pipe = Pipe()
    # Closing the writer would go back.
    writer = wave.open(pipe, "wb")  # type: ignore[call-overload]  # noqa: SIM115
    writer.setparams((1, width, 24000, 0, "NONE", ""))
    writer.writeframesraw(PCM[:1200])
    writer._file = None
    assert audio_of(pipe.written) == PCM[:1200]
