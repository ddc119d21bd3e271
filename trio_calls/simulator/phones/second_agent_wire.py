"""An agent's audio on the second wire: numbered frames, and credit that counts from the beginning.

It is read strictly: a client has to number and time its frames as it says it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, Final

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.simulator.phones.flow_buffer import FRAME_MS, FlowBuffer
from trio_calls.wire.codec import encode
from trio_calls.wire.message import AudioError, Message, UnknownMessage
from trio_calls.wire.second.audio_frame import (
    CLOCK_MODULUS,
    SEQUENCE_MODULUS,
    AudioFrame,
    unpack_frame,
)
from trio_calls.wire.second.audio_writer import AudioWriter
from trio_calls.wire.second.codec import decode_media
from trio_calls.wire.second.media import (
    AGENT_TRACK,
    CALLEE_TRACK,
    CALLER_TRACK,
    MIXED_TRACK,
    Config,
    Flow,
)

_TRACKS: Final = (CALLER_TRACK, CALLEE_TRACK)


class SecondAgentWire:
    """See `AgentWire`.

    Args:
      audio_format: how the agent sends its audio, and wants to hear the call.
    """

    can_dial: ClassVar[bool] = True

    def __init__(self, audio_format: AudioFormat) -> None:
        self.buffer: FlowBuffer = FlowBuffer(audio_format.frame_bytes)
        self._format = audio_format
        self._bytes_per_ms = audio_format.frame_bytes // FRAME_MS
        self._begin()

    def _begin(self) -> None:
        self._writers = {track: AudioWriter(self._format.sample_rate, track) for track in _TRACKS}
        self._sequence = 0
        self._received_bytes = 0
        self._told = (0, 0)

    def begin(self) -> Sequence[str]:
        """Begin a media connection, and say how long frames are to be."""
        self._begin()
        return (_CONFIG,)

    def decode(self, frame: str) -> Message | UnknownMessage:
        """Read a text frame of the agent."""
        return decode_media(frame)

    def take(self, message: bytes) -> None:
        """Buffer a message of the agent's audio, if it is the one that has to come next."""
        frame = unpack_frame(message)
        if frame.track != AGENT_TRACK:
            raise AudioError("an agent sends on track 0 only")
        expected = self._sequence, self._received_bytes // self._bytes_per_ms % CLOCK_MODULUS
        self._sequence = (frame.sequence + 1) % SEQUENCE_MODULUS
        if (frame.sequence, frame.clock_ms) != expected:
            raise AudioError("an audio message has another number or time than the next one has")
        pcm = self._audio_of(frame)
        self.buffer.put(pcm)
        self._received_bytes += len(pcm)

    def _audio_of(self, frame: AudioFrame) -> bytes:
        frame_bytes = self.buffer.frame_bytes
        if len(frame.pcm) > frame_bytes or frame.silence_ms > FRAME_MS:
            raise AudioError(f"an audio message is longer than the {FRAME_MS} ms of config")
        return frame.pcm or bytes(frame.silence_ms * self._bytes_per_ms)

    def pull(self) -> Sequence[str]:
        """Return how much was played, and may come, if the agent does not know that yet."""
        self.buffer.grant()
        now = self.buffer.drained_ms, self.buffer.allowed_ms
        if now == self._told:
            return ()
        self._told = now
        drained_ms, allowed_ms = now
        return (_flow(drained_ms, max(0, allowed_ms - drained_ms)),)

    def channels(
        self, everybody: bytes, caller: bytes | None, callee: bytes | None
    ) -> list[tuple[int, bytes]]:
        """Return everybody, mixed, or each leg alone if the agent wants that."""
        if self._format.mode is AudioMode.MIXED:
            return [(MIXED_TRACK, everybody)]
        legs = ((CALLER_TRACK, caller), (CALLEE_TRACK, callee))
        return [(track, pcm) for track, pcm in legs if pcm is not None]

    def pack(self, channel: int, pcm: bytes) -> bytes:
        """Return the message of a track's next audio."""
        return self._writers[channel].write(pcm)


_CONFIG: Final = encode(Config(FRAME_MS))


# Every agent that speaks without a break is told the same, one tick after the other.
@lru_cache(maxsize=4096)
def _flow(drained_ms: int, window_ms: int) -> str:
    return encode(Flow(AGENT_TRACK, drained_ms, window_ms))
