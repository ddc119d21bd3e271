"""The first generation of the media connection: audio is asked for, so many bytes at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from trio_calls.audio_format import AudioMode
from trio_calls.state import Command
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.first.codec import decode_media
from trio_calls.wire.first.media import BufferRequest, pack_audio, unpack_audio
from trio_calls.wire.media_wire import AudioReceived, Credit, Heard
from trio_calls.wire.names import CALL_CHANNEL

#: The channel byte, with which every message begins.
_MESSAGE_HEAD: Final = pack_audio(CALL_CHANNEL, b"")

#: The longest frame that may be remembered once it is read, in characters.
_MAX_REPEATED_LENGTH: Final = 200


class FirstMedia:
    """Reads and writes the frames of one call's media connection.

    Args:
      audio_mode: whether single legs come on channels of their own.
    """

    #: An exchange may ask for megabytes at once, and take no message of that size.
    max_message_bytes: int = 2**16

    plays_short_frames: bool = False

    answer_ring_seconds: float | None = None

    def __init__(self, audio_mode: AudioMode) -> None:
        self._audio_mode = audio_mode

    def command(
        self, command_id: str, command: Command, timeout_ms: int, ring_time_seconds: float | None
    ) -> str:
        """Return the text frame of a command. See `MediaWire`."""
        data = None if ring_time_seconds is None else RingTime(ring_time_seconds)
        return encode(CommandRequest(command_id, command.value, timeout_ms, data))

    def read(self, message: str | bytes) -> Heard | None:
        """Read a frame that came. See `MediaWire`."""
        if isinstance(message, bytes):
            channel, pcm = unpack_audio(message, self._audio_mode)
            return AudioReceived(channel, pcm)
        if len(message) <= _MAX_REPEATED_LENGTH:
            return _read_repeated(message)
        return _read(message)

    def catch_up(self) -> None:
        """Do nothing: each request counts, and none is put off."""

    def follow(self) -> None:
        """Do nothing: nothing is said of playing."""

    def pack(self, pcm: bytes | bytearray | memoryview) -> bytes:
        """Return the message of some audio. See `MediaWire`."""
        return _MESSAGE_HEAD + pcm


def _read(frame: str) -> Heard | None:
    match decode_media(frame):
        case BufferRequest(channel=channel) as request if channel == CALL_CHANNEL:
            return Credit(request.requested_bytes, request.frame_bytes)
        case CommandResponse() | CallEvent() as heard:
            return heard
        case _:
            return None


@lru_cache(maxsize=256)
def _read_repeated(frame: str) -> Heard | None:
    """Read a short frame once. Most are requests for audio, almost always in the same words.

    There are fifty of them a second for each call.
    """
    return _read(frame)
