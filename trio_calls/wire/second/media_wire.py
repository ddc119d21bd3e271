"""The second generation of the media connection: credit is absolute, and audio comes in frames."""

from __future__ import annotations

import math
import re
from typing import Final

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.state import Command
from trio_calls.wire.codec import encode
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.media_wire import PUT_OFF, AudioReceived, Credit, Heard
from trio_calls.wire.names import CALL_CHANNEL
from trio_calls.wire.second.audio_credit import AudioCredit
from trio_calls.wire.second.audio_frame import HEADER_BYTES, SILENCE
from trio_calls.wire.second.audio_reader import AudioReader
from trio_calls.wire.second.audio_writer import AudioWriter
from trio_calls.wire.second.codec import decode_media, match_usual_flow
from trio_calls.wire.second.leg_mixer import LegMixer
from trio_calls.wire.second.media import AGENT_TRACK, DIAL, MIXED_TRACK, Config, Flow

_MS_PER_SECOND: Final = 1000

#: Audio that is longer than this comes at once, when it begins or when it is over: one cannot tell
#: by it how late a word is. It is a silence.
MOST_AT_ONCE_MS: Final = 100

#: With credit for so many frames no audio waits for more of it.
_AMPLE_FRAMES: Final = 2

# Where these are in the header of audio.
_TRACK: Final = 0
_FLAGS: Final = 1


class SecondMedia:
    """Reads and writes the frames of one call's media connection.

    Single parties are on the channels that they have on the first wire, 1 for the caller and 2 for
    the callee, and are mixed for the channel of the call.

    No audio is sent before the exchange has said how long its frames are to be. What it has allowed
    before that is allowed then.

    Args:
      audio_format: of the call.
      dial_seconds: for how long a telephone may ring, if the call is one of the agent's own, which
        has rung nowhere yet: it is dialed by answering it.
    """

    #: A message is one frame.
    max_message_bytes: int = 0

    plays_short_frames: bool = True

    def __init__(self, audio_format: AudioFormat, *, dial_seconds: float | None = None) -> None:
        self.answer_ring_seconds: float | None = dial_seconds
        self._reader = AudioReader(audio_format)
        self._mixer = None if audio_format.mode is AudioMode.MIXED else LegMixer()
        self._writer = AudioWriter(audio_format.sample_rate)
        #: Returns the message of the agent's next audio. See `MediaWire`.
        self.pack = self._writer.write
        self._credit = AudioCredit(audio_format.sample_rate)
        self._bytes_per_ms = audio_format.bytes_per_second // _MS_PER_SECOND
        # Of the channel of the call, since a silence that did not come as time has passed.
        self._heard_bytes = 0
        # The newest word of credit and playing, if nobody has needed it yet, and how much was sent
        # and heard when it came. It counts from the beginning: those before it say nothing more.
        self._put_off: tuple[re.Match[str], int, int] | None = None
        self._ample_frames: float = _AMPLE_FRAMES
        self._ample_bytes: float = math.inf

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
        if isinstance(message, str):
            usual = match_usual_flow(message)
            if usual is None:
                return self._read_text(message)
            sent_bytes = self._writer.sent_bytes
            self._put_off = usual, sent_bytes, self._heard_bytes
            if self._credit.allowed_bytes - sent_bytes >= self._ample_bytes:
                return PUT_OFF
            return self.catch_up()
        # Almost all of them are such: nothing but whole samples.
        if len(message) > HEADER_BYTES and not (message[_FLAGS] or len(message) % 2):
            track = message[_TRACK]
            if self._mixer is not None or track == MIXED_TRACK:
                return self._received(track, message[HEADER_BYTES:])
        heard = self._reader.read(message)
        if heard is None:
            return None
        received = self._received(*heard, is_silence=bool(message[_FLAGS] & SILENCE))
        if len(received.pcm) > MOST_AT_ONCE_MS * self._bytes_per_ms:
            self._heard_bytes = 0
        return received

    def _received(self, track: int, pcm: bytes, *, is_silence: bool = False) -> AudioReceived:
        if self._mixer is None:
            self._heard_bytes += len(pcm)
            return AudioReceived(CALL_CHANNEL, pcm)
        if is_silence:
            everybody = self._mixer.add_silence(track, len(pcm))
        else:
            everybody = self._mixer.add(track, pcm)
        self._heard_bytes += len(everybody)
        return AudioReceived(track + 1, pcm, everybody)

    def catch_up(self) -> Credit | None:
        """Read the newest word of credit and playing, if it was put off. See `MediaWire`."""
        if self._put_off is None:
            return None
        (usual, sent_bytes, heard_bytes), self._put_off = self._put_off, None
        return self._credit.update(int(usual[1]), int(usual[2]), sent_bytes, heard_bytes)

    def follow(self) -> None:
        """Put off no word of playing from now on. See `MediaWire`."""
        self._ample_frames = self._ample_bytes = math.inf

    def _read_text(self, message: str) -> Heard | None:
        match decode_media(message):
            case Flow(track=track) as flow if track == AGENT_TRACK:
                self._put_off = None
                return self._credit.update(
                    flow.drained_ms, flow.window_ms, self._writer.sent_bytes, self._heard_bytes
                )
            case Config(frame_ms=frame_ms):
                frame_bytes = frame_ms * self._bytes_per_ms
                self._ample_bytes = self._ample_frames * frame_bytes
                return self._credit.use_frames(frame_bytes, self._heard_bytes)
            case CommandResponse() | CallEvent() as heard_word:
                return heard_word
            case _:
                return None
