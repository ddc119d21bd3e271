"""How an exchange says on a media connection what a test tells it to: a class for each wire.

Commands, their responses and the events of a call are the same on both. What differs is how the
agent's audio is asked for, and how audio is framed. The second wire's frames are made and read here
without the help of what is tested.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from trio_calls.config import WireName
from trio_calls.wire.first.media import BufferRequest
from trio_calls.wire.message import Message
from trio_calls.wire.second.media import Config, Flow

#: Bytes of a millisecond at 24 kHz, which all these calls have.
MS: Final = 48

#: The length of a usual frame, in milliseconds.
FRAME_MS: Final = 20


class MediaWords(Protocol):
    """What is said on one media connection. Keeps the account that it needs for that."""

    @property
    def greeting(self) -> Sequence[Message]:
        """What comes before everything else."""

    def grant(self, pcm_bytes: int, frame_bytes: int) -> Sequence[Message]:
        """Ask for so much more of the agent's audio, in frames of this size."""

    @property
    def played(self) -> Callable[[int], Message] | None:
        """Tells how much of all that came was played, or dropped, by now; None if nothing does."""

    def pack(self, channel: int, pcm: bytes) -> bytes:
        """Let the agent hear PCM: of everybody, mixed, on channel 0, of one party on another."""

    def take(self, message: bytes) -> bytes:
        """Check a message of the agent's audio as it comes. Returns its PCM."""

    @staticmethod
    def pcm_of(message: bytes) -> bytes:
        """Return the PCM of a message that was taken."""


class FirstWords:
    """On the first wire so many bytes are asked for, and nothing is said of what was played."""

    greeting: Final[Sequence[Message]] = ()
    played: Final = None

    def grant(self, pcm_bytes: int, frame_bytes: int) -> Sequence[Message]:
        return (BufferRequest(pcm_bytes, frame_bytes),)

    def pack(self, channel: int, pcm: bytes) -> bytes:
        return bytes((channel,)) + pcm

    def take(self, message: bytes) -> bytes:
        assert message[0] == 0, "an agent speaks on channel 0"
        return self.pcm_of(message)

    @staticmethod
    def pcm_of(message: bytes) -> bytes:
        return message[1:]


class SecondWords:
    """On the second wire it is told how much may have come, and was played, since the beginning."""

    greeting: Final[Sequence[Message]] = (Config(FRAME_MS),)

    def __init__(self) -> None:
        self._frame_bytes = FRAME_MS * MS
        self._allowed_bytes = 0
        self._played_bytes = 0
        self._taken_messages = 0
        self._taken_bytes = 0
        # Of each track: how many messages of it, and how many bytes, went to the agent.
        self._sent: dict[int, tuple[int, int]] = {}

    def grant(self, pcm_bytes: int, frame_bytes: int) -> Sequence[Message]:
        assert pcm_bytes % MS == frame_bytes % MS == 0, "this wire counts whole milliseconds"
        self._allowed_bytes += pcm_bytes
        if frame_bytes == self._frame_bytes:
            return (self._flow(),)
        self._frame_bytes = frame_bytes
        return (Config(frame_bytes // MS), self._flow())

    def played(self, pcm_bytes: int) -> Message:
        self._played_bytes = pcm_bytes
        return self._flow()

    def pack(self, channel: int, pcm: bytes) -> bytes:
        # Parties have the tracks from 0 on where nothing is mixed.
        track = max(0, channel - 1)
        count, sent_bytes = self._sent.get(track, (0, 0))
        self._sent[track] = count + 1, sent_bytes + len(pcm)
        return struct.pack(">BBHI", track, 0, count % 2**16, sent_bytes // MS) + pcm

    def take(self, message: bytes) -> bytes:
        header = struct.unpack_from(">BBHI", message)
        expected = (0, 0, self._taken_messages % 2**16, self._taken_bytes // MS)
        assert header == expected, "a message has another number or time than the next one has"
        pcm = self.pcm_of(message)
        assert len(pcm) <= self._frame_bytes, "a message is longer than a frame"
        self._taken_messages += 1
        self._taken_bytes += len(pcm)
        assert self._taken_bytes <= self._allowed_bytes, "more came than was allowed"
        return pcm

    @staticmethod
    def pcm_of(message: bytes) -> bytes:
        return message[8:]

    def _flow(self) -> Flow:
        played_ms = self._played_bytes // MS
        return Flow(drained_ms=played_ms, window_ms=self._allowed_bytes // MS - played_ms)


MEDIA_WORDS: Final[dict[WireName, type[FirstWords | SecondWords]]] = {
    "first": FirstWords,
    "second": SecondWords,
}
