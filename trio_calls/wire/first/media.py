"""The messages of the media connection, both ways.

Audio travels in binary messages: one byte of channel number, then PCM.
"""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from trio_calls.audio_format import AudioMode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse
from trio_calls.wire.media_wire import DEFAULT_FRAME_BYTES
from trio_calls.wire.message import AudioError, Message, wire
from trio_calls.wire.names import CALL_CHANNEL

#: The most that one buffer request may ask for, in bytes: almost six minutes at 24 kHz.
MAX_REQUESTED_BYTES: Final = 2**24


@attrs.frozen
class BufferRequest(Message):
    """Exchange → SDK: send this many more bytes of the agent's audio."""

    wire_type: ClassVar[str] = "buffer_request"
    in_data: ClassVar[bool] = True

    requested_bytes: int = wire(
        "requested_bytes",
        validator=[attrs.validators.ge(1), attrs.validators.le(MAX_REQUESTED_BYTES)],
    )
    frame_bytes: int = wire(
        "prefer_audio_frame_bytes",
        default=DEFAULT_FRAME_BYTES,
        validator=[attrs.validators.ge(1), attrs.validators.le(MAX_REQUESTED_BYTES)],
    )
    channel: int = wire(
        "channelId",
        default=CALL_CHANNEL,
        validator=[attrs.validators.ge(0), attrs.validators.le(255)],
    )


MediaMessage = CommandRequest | CommandResponse | CallEvent | BufferRequest


def pack_audio(channel: int, pcm: bytes) -> bytes:
    """Return the binary message that carries `pcm` on a channel."""
    return bytes((channel,)) + pcm


def unpack_audio(message: bytes, mode: AudioMode) -> tuple[int, bytes]:
    """Split a binary message into its channel and its audio.

    Returns:
      The channel and the PCM: mono signed 16-bit little-endian, at least one sample.

    Raises:
      AudioError: it is empty, holds half a sample, or is on a channel that `mode` does not have.
    """
    pcm = message[1:]
    if not pcm or len(pcm) % 2:
        raise AudioError("an audio message must hold a channel and one or more whole samples")
    channel = message[0]
    if channel != CALL_CHANNEL and mode is AudioMode.MIXED:
        raise AudioError("an audio message came on a channel that mixed audio does not have")
    return channel, pcm
