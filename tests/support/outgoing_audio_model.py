"""What `OutgoingAudio` has to do, in the plainest way: for the machines that check it."""

from __future__ import annotations

from collections import deque

from trio_calls.errors import BufferFullError
from trio_calls.wire.outgoing_audio import OutgoingAudio

MOST_REQUESTS = 64
MOST_MESSAGE_BYTES = 2**16


class OutgoingAudioModel:
    """Does to `audio` what it is told, and checks that the same comes of it as here."""

    def __init__(self, audio: OutgoingAudio, capacity: int) -> None:
        self.audio = audio
        self.capacity = capacity
        self.waiting = bytearray()
        self.position = 0
        self.flushed_to = 0
        self.granted = 0
        self.sent = 0
        self.requests: deque[list[int]] = deque()
        self._samples = 0

    def put(self, samples: int) -> None:
        """Queues samples, if there is room for all of them."""
        pcm = self._new(samples)
        fits = len(self.waiting) + len(pcm) <= self.capacity
        try:
            self.audio.put(pcm)
        except BufferFullError:
            assert not fits
        else:
            assert fits
            self.waiting += pcm

    def clear(self) -> None:
        assert self.audio.clear() == len(self.waiting)
        self.position += len(self.waiting)
        self.waiting.clear()

    def flush(self) -> None:
        self.flushed_to = self.audio.flush()
        assert self.flushed_to == self.position + len(self.waiting)

    def granted_more(self, requested: int, frame: int) -> None:
        """An odd byte of credit is none, and an odd frame is one byte longer.

        Requests that want the same are as one, and so are those that are too many.
        """
        self.granted += requested
        whole = requested // 2 * 2
        wanted = min((frame + 1) // 2 * 2, self.capacity // 2 * 2)
        last = self.requests[-1] if self.requests else None
        if whole and last and (last[1] == wanted or len(self.requests) == MOST_REQUESTS):
            last[0] += whole
        elif whole:
            self.requests.append([whole, wanted])

    def spend(self, samples: int) -> None:
        """Audio that may pass the queue is what would have been taken had it been put there."""
        pcm = self._new(samples)
        is_message = bool(
            not self.waiting
            and self.requests
            and self.requests[0][1] <= len(pcm) <= min(self.requests[0][0], MOST_MESSAGE_BYTES)
        )
        assert self.audio.spend(pcm) == (b"\0" + pcm if is_message else None)
        if is_message:
            self._count(len(pcm), len(pcm))

    def take(self) -> bool:
        """Takes what can be sent in one go, or tells that it is nothing, and that this is right."""
        messages = self.audio.take()
        if not messages:
            self._check_that_nothing_could_be_sent()
        for message in messages:
            assert message[:1] == b"\0"
            self._check_message(message[1:])
        return bool(messages)

    def check(self) -> None:
        """Checks what can be seen at any time."""
        assert self.audio.credit_bytes == sum(remaining for remaining, _ in self.requests)
        assert self.sent + self.audio.credit_bytes <= self.granted
        assert len(self.audio.waiting) == len(self.waiting) <= self.capacity
        assert self.audio.sent_position == self.position
        assert self.audio.end_position == self.position + len(self.waiting)

    def _new(self, samples: int) -> bytes:
        """Every sample is different, so that none is lost, repeated or moved unnoticed."""
        numbers = range(self._samples, self._samples + samples)
        self._samples += samples
        return b"".join((number % 65535 + 1).to_bytes(2, "little") for number in numbers)

    def _wanted_bytes(self) -> int:
        """What a message must hold: a frame, or what is left of the request, or of the queue."""
        remaining, frame = self.requests[0]
        return min(frame, remaining)

    def _check_that_nothing_could_be_sent(self) -> None:
        assert (
            not self.requests
            or not self.waiting
            or (len(self.waiting) < self._wanted_bytes() and self.flushed_to <= self.position)
        )

    def _check_message(self, pcm: bytes) -> None:
        audio, silence = pcm[: len(self.waiting)], pcm[len(self.waiting) :]
        assert audio == self.waiting[: len(audio)]
        assert len(pcm) % 2 == 0
        assert self._wanted_bytes() <= len(pcm) <= self.requests[0][0]
        if silence:
            assert self.flushed_to > self.position
            assert not any(silence)
            assert len(pcm) == self._wanted_bytes()
        del self.waiting[: len(audio)]
        self._count(len(audio), len(pcm))

    def _count(self, audio_bytes: int, sent_bytes: int) -> None:
        self.position += audio_bytes
        self.sent += sent_bytes
        self.requests[0][0] -= sent_bytes
        if not self.requests[0][0]:
            self.requests.popleft()
