"""An agent's audio on the first wire: asked for piece by piece, behind a byte of channel number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, Final

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.simulator.phones.jitter_buffer import JitterBuffer
from trio_calls.wire.codec import encode
from trio_calls.wire.first.codec import decode_media
from trio_calls.wire.first.media import BufferRequest, pack_audio, unpack_audio
from trio_calls.wire.message import Message, UnknownMessage
from trio_calls.wire.names import CALL_CHANNEL

_CALLER_CHANNEL: Final = 1
_CALLEE_CHANNEL: Final = 2


class FirstAgentWire:
    """See `AgentWire`.

    Args:
      audio_format: how the agent sends its audio, and wants to hear the call.
    """

    can_dial: ClassVar[bool] = False

    def __init__(self, audio_format: AudioFormat) -> None:
        self.buffer: JitterBuffer = JitterBuffer(audio_format.frame_bytes)
        self._is_isolated = audio_format.mode is AudioMode.ISOLATED

    def begin(self) -> Sequence[str]:
        """Begin a media connection: nothing is said first."""
        return ()

    def decode(self, frame: str) -> Message | UnknownMessage:
        """Read a text frame of the agent."""
        return decode_media(frame)

    def take(self, message: bytes) -> None:
        """Buffer a message of the agent's audio."""
        # Agents send on the channel of the call only, which is all that mixed audio has.
        _, pcm = unpack_audio(message, AudioMode.MIXED)
        self.buffer.put(pcm)

    def pull(self) -> Sequence[str]:
        """Return the request for as much audio as there is room for."""
        granted = self.buffer.grant()
        return (_buffer_request(granted, self.buffer.frame_bytes),) if granted else ()

    def channels(
        self, everybody: bytes, caller: bytes | None, callee: bytes | None
    ) -> list[tuple[int, bytes]]:
        """Return everybody, mixed, and each leg alone if the agent wants that."""
        channels = [(CALL_CHANNEL, everybody)]
        if self._is_isolated:
            if caller is not None:
                channels.append((_CALLER_CHANNEL, caller))
            if callee is not None:
                channels.append((_CALLEE_CHANNEL, callee))
        return channels

    def pack(self, channel: int, pcm: bytes) -> bytes:
        """Return the message of a channel's audio."""
        return pack_audio(channel, pcm)


# Fifty times a second, and mostly the same.
@lru_cache(maxsize=16)
def _buffer_request(requested_bytes: int, frame_bytes: int) -> str:
    return encode(BufferRequest(requested_bytes, frame_bytes, CALL_CHANNEL))
