"""The audio that comes on the tracks of a media connection, with its silences."""

from __future__ import annotations

from typing import Final

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.wire.message import AudioError
from trio_calls.wire.second.audio_frame import AudioFrame, unpack_frame
from trio_calls.wire.second.media import MIXED_TRACK

#: The longest silence that is filled in, in milliseconds. A frame of twelve bytes may speak of
#: seven weeks.
MAX_SILENCE_MS: Final = 5000

_MS_PER_SECOND: Final = 1000


class AudioReader:
    """Turns messages into PCM.

    What the exchange numbers and times is not looked at: its connection loses nothing, and puts
    nothing out of order.

    Args:
      audio_format: of the call.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._has_one_track = audio_format.mode is AudioMode.MIXED
        self._bytes_per_ms = audio_format.bytes_per_second // _MS_PER_SECOND

    def read(self, message: bytes) -> tuple[int, bytes] | None:
        """Return the track of a message and its PCM; None if there is none in it.

        A silence is filled in, up to `MAX_SILENCE_MS` of it. To leave it out, as the vendor's
        client does (findings/agentduet-cuts-silence-out.sh), would shorten pauses to nothing.

        Raises:
          AudioError: the message is no audio of this call. All of it is dropped.
        """
        frame = unpack_frame(message)
        if self._has_one_track and frame.track != MIXED_TRACK:
            raise AudioError("an audio message came on a track that mixed audio does not have")
        pcm = frame.pcm or self._silence(frame)
        return (frame.track, pcm) if pcm else None

    def _silence(self, frame: AudioFrame) -> bytes:
        return bytes(min(frame.silence_ms, MAX_SILENCE_MS) * self._bytes_per_ms)
