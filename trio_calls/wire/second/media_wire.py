"""The second generation of the media connection: credit is absolute, and audio comes in frames."""

from __future__ import annotations

from typing import Final

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.state import Command
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.media_wire import AudioReceived, Credit, Heard
from trio_calls.wire.second.audio_credit import AudioCredit
from trio_calls.wire.second.audio_frame import HEADER_BYTES
from trio_calls.wire.second.audio_reader import AudioReader
from trio_calls.wire.second.audio_writer import AudioWriter
from trio_calls.wire.second.codec import decode_media
from trio_calls.wire.second.media import AGENT_TRACK, DIAL, MIXED_TRACK, Config, Flow

_MS_PER_SECOND: Final = 1000

#: Where in the header of audio the flags are.
_FLAGS: Final = 1

#: How long a telephone rings that an agent calls, as `ActiveCall.connect` lets one ring.
DIAL_SECONDS: Final = 60.0


class SecondMedia:
    """Reads and writes the frames of one call's media connection.

    No audio is sent before the exchange has said how long its frames are to be. What it has allowed
    before that is allowed then.

    Args:
      audio_format: of the call.
      is_prepared: whether the call is one of the agent's own, which has rung nowhere yet: it is
        dialed by answering it.
    """

    #: A message is one frame.
    max_message_bytes: int = 0

    def __init__(self, audio_format: AudioFormat, *, is_prepared: bool = False) -> None:
        self.answer_ring_seconds: float | None = DIAL_SECONDS if is_prepared else None
        self._reader = AudioReader(audio_format)
        self._has_one_track = audio_format.mode is AudioMode.MIXED
        self._writer = AudioWriter(audio_format.sample_rate)
        self._credit = AudioCredit(audio_format.sample_rate)
        self._bytes_per_ms = audio_format.bytes_per_second // _MS_PER_SECOND
        self._frame_bytes = 0
        self._granted_bytes = 0

    def command(
        self, command_id: str, command: Command, timeout_ms: int, ring_time_seconds: float | None
    ) -> str:
        """Return the text frame of a command. See `MediaWire`."""
        data = None if ring_time_seconds is None else RingTime(ring_time_seconds)
        is_dialing = command is Command.ANSWER and self.answer_ring_seconds is not None
        name = DIAL if is_dialing else command.value
        return encode(CommandRequest(command_id, name, timeout_ms, data))

    def read(self, message: str | bytes) -> Heard | None:
        """Read a frame that came. See `MediaWire`."""
        if isinstance(message, bytes):
            return self._read_audio(message)
        match decode_media(message):
            case Flow(track=track) as flow if track == AGENT_TRACK:
                self._credit.update(flow)
                return self._grant()
            case Config(frame_ms=frame_ms):
                self._frame_bytes = frame_ms * self._bytes_per_ms
                return self._grant()
            case CommandResponse() | CallEvent() as heard_word:
                return heard_word
            case _:
                return None

    def _read_audio(self, message: bytes) -> AudioReceived | None:
        # Almost all of them are such: nothing but whole samples on the one track, or on any.
        if len(message) > HEADER_BYTES and not (message[_FLAGS] or len(message) % 2):
            track = message[0]
            if track == MIXED_TRACK or not self._has_one_track:
                return AudioReceived(track, message[HEADER_BYTES:])
        heard = self._reader.read(message)
        return None if heard is None else AudioReceived(*heard)

    def pack(self, pcm: bytes | bytearray | memoryview) -> bytes:
        """Return the message of the agent's next audio. See `MediaWire`."""
        return self._writer.write(bytes(pcm))

    def _grant(self) -> Credit | None:
        """Grant what is allowed beyond what was granted before."""
        if not self._frame_bytes:
            return None
        requested = self._credit.allowed_bytes - self._granted_bytes
        self._granted_bytes += requested
        return Credit(requested, self._frame_bytes, self._credit.drained_bytes)
