r"""What holds for every binary message that an exchange may send on the second wire.

The input is one message, or two with ``--`` between them; an uneven number of messages is heard
with isolated audio.
"""

from __future__ import annotations

from typing import Final

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

SAMPLE_RATE: Final = 8000

_BYTES_PER_MS: Final = 16
_KNOWN_FLAGS: Final = SILENCE | END_OF_TURN | EXTENSIONS
_FLAGS_AT: Final = 1
_SEPARATOR: Final = b"--"


def seeds() -> list[bytes]:
    """A message of each kind, and some that are wrong."""
    pcm = pack_frame(0, 1, 20, b"ab" * 4)
    silence = pack_silence(0, 2, 40, 20)
    extensions = b"\x05\x09\x01x\x09\x00"
    flagged = bytes((0, EXTENSIONS | END_OF_TURN)) + pcm[2:8]
    return [
        pcm,
        silence,
        pack_frame(1, 65535, 2**32 - 1, b"ab"),
        pack_silence(0, 0, 0, 2**32 - 1),
        flagged + extensions,
        flagged + extensions + b"abcd",
        bytes((0, EXTENSIONS | SILENCE)) + silence[2:8] + b"\x00" + silence[8:],
        _SEPARATOR.join([pcm, silence]),
        b"",
        pcm[:7],
        pcm[:-1],
        silence + b"\x00",
        bytes((0, 0x40)) + pcm[2:],
        flagged + b"\xff\x09\x01x",
    ]


def words() -> tuple[str, ...]:
    """What messages are made of."""
    return (
        "\x00\x01",
        "\x00\x02",
        "\x00\x03",
        "\x00\x80",
        "\x00\x82",
        "\x05\x09\x01x\x09\x00",
        "--",
    )


def check(data: bytes) -> None:
    """Read the messages, and raise `AssertionError` if something is amiss.

    A message is audio or an `AudioError`; what is heard has whole samples, and costs what it says
    but for silence, which is bounded; what is not used yet is never let through.
    """
    messages = data.split(_SEPARATOR)
    mode = AudioMode.ISOLATED if len(messages) % 2 else AudioMode.MIXED
    reader = AudioReader(AudioFormat(SAMPLE_RATE, mode))
    for message in messages:
        try:
            heard = reader.read(message)
        except AudioError:
            continue
        assert not message[_FLAGS_AT] & ~_KNOWN_FLAGS
        frame = unpack_frame(message)
        assert frame == unpack_frame(_again(frame, message))
        if heard is None:
            assert not frame.pcm
            assert not frame.silence_ms
            continue
        track, pcm = heard
        assert track == message[0] == (track if mode is AudioMode.ISOLATED else 0)
        assert len(pcm) % 2 == 0
        if frame.silence_ms:
            assert pcm == bytes(min(frame.silence_ms, MAX_SILENCE_MS) * _BYTES_PER_MS)
        else:
            assert message.endswith(pcm)


def _again(frame: AudioFrame, message: bytes) -> bytes:
    """Write a frame that was read, without its extensions."""
    if message[_FLAGS_AT] & SILENCE:
        written = pack_silence(frame.track, frame.sequence, frame.clock_ms, frame.silence_ms)
    else:
        written = pack_frame(frame.track, frame.sequence, frame.clock_ms, frame.pcm)
    flags = message[_FLAGS_AT] & ~EXTENSIONS
    return bytes((written[0], flags)) + written[2:]
