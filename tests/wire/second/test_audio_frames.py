"""The binary messages of the second wire, one by one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.wire.message import AudioError
from trio_calls.wire.second.audio_frame import (
    END_OF_TURN,
    EXTENSIONS,
    SILENCE,
    AudioFrame,
    pack_frame,
    pack_silence,
    unpack_frame,
)
from trio_calls.wire.second.audio_reader import MAX_SILENCE_MS, AudioReader
from trio_calls.wire.second.audio_writer import AudioWriter

PCM = b"\x01\x02\x03\x04"
RESERVED = [0x04, 0x08, 0x10, 0x20, 0x40]

pcm = st.binary(min_size=2, max_size=60).map(lambda data: data[: len(data) // 2 * 2])


def message(flags: int, payload: bytes = b"", track: int = 0) -> bytes:
    return struct.pack(">BBHI", track, flags, 7, 140) + payload


def extended(*values: bytes, length: int | None = None) -> bytes:
    block = b"".join(bytes((9, len(value))) + value for value in values)
    return bytes((len(block) if length is None else length,)) + block


def test_a_frame_is_eight_bytes_and_its_audio() -> None:
    assert pack_frame(1, 0x0203, 0x04050607, PCM) == b"\x01\x00\x02\x03\x04\x05\x06\x07" + PCM
    assert pack_silence(1, 2, 3, 0x0A0B) == b"\x01\x01\x00\x02\0\0\0\x03\0\0\x0a\x0b"


@pytest.mark.slow
@given(st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), pcm)
def test_a_frame_survives_the_wire(track: int, sequence: int, clock: int, audio: bytes) -> None:
    frame = unpack_frame(pack_frame(track, sequence, clock, audio))
    assert frame == AudioFrame(track, sequence, clock, audio)


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
def test_a_silence_survives_the_wire(length: int) -> None:
    assert unpack_frame(pack_silence(1, 2, 3, length)) == AudioFrame(1, 2, 3, b"", length)


def test_the_end_of_a_turn_is_a_mark_alone_or_on_audio() -> None:
    assert unpack_frame(message(END_OF_TURN)) == AudioFrame(0, 7, 140, is_end_of_turn=True)
    assert unpack_frame(message(END_OF_TURN, PCM)).pcm == PCM
    silence = unpack_frame(message(END_OF_TURN | SILENCE, b"\0\0\0\x14"))
    assert (silence.silence_ms, silence.is_end_of_turn) == (20, True)


@pytest.mark.parametrize("values", [(), (b"",), (b"abc",), (b"", b"x" * 9), (b"x" * 251,)])
def test_extensions_are_passed_over(values: tuple[bytes, ...]) -> None:
    assert unpack_frame(message(EXTENSIONS, extended(*values) + PCM)).pcm == PCM
    ended = unpack_frame(message(EXTENSIONS | END_OF_TURN, extended(*values)))
    assert (ended.pcm, ended.is_end_of_turn) == (b"", True)
    silence = message(EXTENSIONS | SILENCE, extended(*values) + b"\0\0\0\x05")
    assert unpack_frame(silence).silence_ms == 5


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        message(0)[:7],
        message(0),
        message(0, b"\0"),
        message(0, PCM + b"\0"),
        message(SILENCE),
        message(SILENCE, b"\0\0\0"),
        message(SILENCE, b"\0\0\0\x14\0"),
        message(END_OF_TURN, b"\0"),
        message(EXTENSIONS),
        message(EXTENSIONS, PCM),
        message(EXTENSIONS, extended(b"abc")),
        message(EXTENSIONS, extended(b"abc") + b"\0"),
        message(EXTENSIONS, extended(b"abc", length=255) + PCM),
        message(EXTENSIONS, b"\x01\x09" + PCM),
        message(EXTENSIONS, b"\x02\x09\x01" + PCM),
        message(EXTENSIONS, b"\x05\x09\x02ab\x09" + PCM),
        *(message(flag, PCM) for flag in RESERVED),
        *(message(flag | SILENCE, b"\0\0\0\x14") for flag in RESERVED),
        *(message(flag | EXTENSIONS, extended() + PCM) for flag in RESERVED),
    ],
)
def test_what_is_no_frame_is_refused(bad: bytes) -> None:
    with pytest.raises(AudioError):
        unpack_frame(bad)


@pytest.mark.slow
@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    try:
        frame = unpack_frame(data)
    except AudioError:
        return
    assert len(frame.pcm) % 2 == 0
    assert not (frame.pcm and frame.silence_ms)
    assert data.endswith(frame.pcm)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000])
def test_a_silence_is_heard_for_its_time(sample_rate: int) -> None:
    reader = AudioReader(AudioFormat(sample_rate))
    assert reader.read(message(0, PCM)) == (0, PCM)
    assert reader.read(pack_silence(0, 0, 0, 30)) == (0, bytes(30 * sample_rate // 500))
    assert reader.read(pack_silence(0, 0, 0, 0)) is None
    assert reader.read(message(END_OF_TURN)) is None


def test_a_silence_of_weeks_costs_little() -> None:
    heard = AudioReader(AudioFormat(8000)).read(pack_silence(0, 0, 0, 2**32 - 1))
    assert heard == (0, bytes(MAX_SILENCE_MS * 16))


def test_mixed_audio_has_one_track_and_isolated_more() -> None:
    with pytest.raises(AudioError):
        AudioReader(AudioFormat()).read(message(0, PCM, track=1))
    isolated = AudioReader(AudioFormat(mode=AudioMode.ISOLATED))
    assert isolated.read(message(0, PCM, track=1)) == (1, PCM)


def test_frames_are_numbered_and_timed() -> None:
    writer = AudioWriter(8000)
    frames = [unpack_frame(writer.write(bytes(size))) for size in (320, 320, 160, 2, 4)]
    assert [(frame.sequence, frame.clock_ms, len(frame.pcm)) for frame in frames] == [
        (0, 0, 320),
        (1, 20, 320),
        (2, 40, 160),
        (3, 50, 2),
        (4, 50, 4),
    ]
    assert writer.sent_bytes == 806


def test_a_silence_is_counted_as_what_it_stands_for() -> None:
    writer = AudioWriter(24000, track=1)
    writer.write_silence(30)
    assert unpack_frame(writer.write(PCM)) == AudioFrame(1, 1, 30, PCM)
    assert writer.sent_bytes == 30 * 48 + len(PCM)


def test_numbers_and_times_begin_again() -> None:
    writer = AudioWriter(8000)
    for _ in range(2**16):
        writer.write(b"\0\0")
    assert unpack_frame(writer.write(b"\0\0")).sequence == 0
    writer.sent_bytes = 2**32 * 16 + 80
    assert unpack_frame(writer.write(b"\0\0")).clock_ms == 5


@pytest.mark.slow
@given(st.lists(pcm | st.integers(0, 100), max_size=20), st.sampled_from([8000, 16000, 24000]))
def test_what_is_written_is_read(pieces: list[bytes | int], sample_rate: int) -> None:
    writer, reader = AudioWriter(sample_rate), AudioReader(AudioFormat(sample_rate))
    said, heard = b"", b""
    for piece in pieces:
        if isinstance(piece, int):
            said += bytes(piece * sample_rate // 500)
            sent = writer.write_silence(piece)
        else:
            said += piece
            sent = writer.write(piece)
        read = reader.read(sent)
        heard += b"" if read is None else read[1]
    assert heard == said
    assert writer.sent_bytes == len(said)
