"""One binary message of the second wire: eight bytes of header, then audio.

::

    0        1        2                 4                                   8
    track    flags    sequence number   milliseconds of audio before this   [extensions]  payload

Numbers are big-endian. The sequence number and the clock are the track's own, and begin again at 0
when there is no room for more. The payload is PCM, or four bytes with the length of a silence in
milliseconds. Extensions are passed over: one byte with their length in all, then type, length and
value of each.
"""

from __future__ import annotations

import struct
from typing import Final

import attrs

from trio_calls.wire.message import AudioError

SILENCE: Final = 0x01
END_OF_TURN: Final = 0x02
EXTENSIONS: Final = 0x80

#: What is not used yet. A frame that has any of it means something that nobody here knows.
_RESERVED: Final = 0x7C

_HEADER: Final = struct.Struct(">BBHI")
_SILENCE_LENGTH: Final = struct.Struct(">I")
HEADER_BYTES: Final = _HEADER.size
_EXTENSION_HEAD_BYTES: Final = 2

SEQUENCE_MODULUS: Final = 2**16
CLOCK_MODULUS: Final = 2**32


# Not frozen: a frozen one takes three times as long to make, and there is one for every frame.
@attrs.define
class AudioFrame:
    """A piece of a track's audio.

    Attributes:
      track: whose audio it is.
      sequence: its number in the track, modulo `SEQUENCE_MODULUS`.
      clock_ms: how much audio of the track was before it, in milliseconds, modulo `CLOCK_MODULUS`.
      pcm: mono signed 16-bit little-endian; empty where this is a silence, or a mark alone.
      silence_ms: how long a silence it is, in milliseconds; 0 where it is PCM.
      is_end_of_turn: whether the turn of who speaks ends with it.
    """

    track: int
    sequence: int
    clock_ms: int
    pcm: bytes = attrs.field(default=b"", repr=False)
    silence_ms: int = 0
    is_end_of_turn: bool = False


def pack_frame(
    track: int, sequence: int, clock_ms: int, pcm: bytes | bytearray | memoryview
) -> bytes:
    """Return the message that carries PCM. The numbers must be in their ranges."""
    return _HEADER.pack(track, 0, sequence, clock_ms) + pcm


def pack_silence(track: int, sequence: int, clock_ms: int, silence_ms: int) -> bytes:
    """Return the message that stands for so many milliseconds of silence."""
    return _HEADER.pack(track, SILENCE, sequence, clock_ms) + _SILENCE_LENGTH.pack(silence_ms)


def unpack_frame(message: bytes) -> AudioFrame:
    """Read a binary message.

    Raises:
      AudioError: it is shorter than it says, has what is not used yet, holds half a sample, or
        nothing at all.
    """
    if len(message) < HEADER_BYTES:
        raise AudioError("an audio message must begin with a whole header")
    track, flags, sequence, clock_ms = _HEADER.unpack_from(message)
    if not flags:
        return AudioFrame(track, sequence, clock_ms, _whole_samples(message[HEADER_BYTES:]))
    if flags & _RESERVED:
        raise AudioError("an audio message has flags that are not used yet")
    payload = message[HEADER_BYTES:]
    if flags & EXTENSIONS:
        payload = _without_extensions(payload)
    frame = AudioFrame(track, sequence, clock_ms, is_end_of_turn=bool(flags & END_OF_TURN))
    if flags & SILENCE:
        frame.silence_ms = _silence_length(payload)
    elif payload or not frame.is_end_of_turn:
        frame.pcm = _whole_samples(payload)
    return frame


def _whole_samples(payload: bytes) -> bytes:
    if not payload or len(payload) % 2:
        raise AudioError("an audio message must hold one or more whole samples")
    return payload


def _silence_length(payload: bytes) -> int:
    if len(payload) != _SILENCE_LENGTH.size:
        raise AudioError("a silence must hold nothing but its length")
    length: int = _SILENCE_LENGTH.unpack(payload)[0]
    return length


def _without_extensions(payload: bytes) -> bytes:
    """Pass over extensions, whatever they are."""
    if not payload or len(payload) <= payload[0]:
        raise AudioError("the extensions of an audio message are cut off")
    end = payload[0] + 1
    place = 1
    while place < end:
        if place + _EXTENSION_HEAD_BYTES > end:
            raise AudioError("an extension of an audio message is cut off")
        place += _EXTENSION_HEAD_BYTES + payload[place + 1]
    if place > end:
        raise AudioError("an extension of an audio message is longer than all of them")
    return payload[end:]
