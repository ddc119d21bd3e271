"""What `OutgoingAudio` has to do, in the plainest way: for the machines that check it."""

from __future__ import annotations

from collections import deque
from typing import Any

from trio_calls.errors import BufferFullError
from trio_calls.wire.outgoing_audio import OutgoingAudio
from trio_calls.wire.speech import Mark

FRAME_BYTES = 960
MOST_REQUESTS = 64
MOST_MESSAGE_BYTES = 2**16


class OutgoingAudioModel:
    """Does to `audio` what it is told, and checks that the same comes of it as here."""

    def __init__(self, audio: OutgoingAudio, capacity: int) -> None:
        self.audio = audio
        self.capacity = capacity
        self.waiting = bytearray()
        self.position = 0
        self.step = FRAME_BYTES if capacity >= FRAME_BYTES else 2
        self.line: list[list[Any]] = []
        self.marks: list[tuple[Mark, int]] = []
        self.granted = 0
        self.sent = 0
        self.requests: deque[list[int]] = deque()
        self._samples = 0

    def put(self, samples: int) -> None:
        """Queues samples, if there is room for all of them."""
        pcm = self._new(samples)
        fits = len(self.waiting) + len(pcm) <= self.capacity and not self.line
        try:
            self.audio.put(pcm)
        except BufferFullError:
            assert not fits
        else:
            assert fits
            self.waiting += pcm

    def line_up(self, samples: int) -> None:
        """Queues what there is room for of some speech, and lets the rest wait behind others."""
        pcm = self._new(samples)
        speech = self.audio.line_up(pcm)
        entry = [pcm, pcm, speech]
        self.line.append(entry)
        self._move_up()
        assert speech.is_over == (entry not in self.line)

    def withdraw(self, number: int) -> None:
        """Takes speech out of the line. A whole number of its frames has been queued."""
        entry = self.line[number % len(self.line)]
        pcm, rest, speech = entry
        assert (len(pcm) - len(rest)) % self.step == 0
        end = self.position + len(self.waiting)
        end += sum(len(ahead) for _, ahead, _ in self.line[: self.line.index(entry) + 1])
        self.marks = [
            (mark, place - len(rest) if place >= end else place) for mark, place in self.marks
        ]
        self.line.remove(entry)
        self.audio.withdraw(speech)
        assert speech.was_dropped
        self._move_up()

    def clear(self) -> None:
        dropped = len(self.waiting) + sum(len(rest) for _, rest, _ in self.line)
        assert self.audio.clear() == dropped
        assert all(speech.was_dropped for _, _, speech in self.line)
        self.position += dropped
        self.waiting.clear()
        self.line.clear()

    def flush(self) -> None:
        place = self.position + len(self.waiting) + sum(len(rest) for _, rest, _ in self.line)
        self.marks.append((self.audio.flush(), place))

    @property
    def flushed_to(self) -> int:
        """Where the latest flush ends."""
        return self.marks[-1][1] if self.marks else 0

    def granted_more(self, requested: int, frame: int) -> None:
        """An odd byte of credit is none, and an odd frame is one byte longer.

        Requests that want the same are as one, and so are those that are too many.
        """
        self.granted += requested
        whole = requested // 2 * 2
        wanted = self._wanted(frame)
        last = self.requests[-1] if self.requests else None
        if whole and last and (last[1] == wanted or len(self.requests) == MOST_REQUESTS):
            last[0] += whole
        elif whole:
            self.requests.append([whole, wanted])

    def prefers(self, frame: int) -> None:
        """All that was asked for is to come in frames of this size."""
        asked = sum(request[0] for request in self.requests)
        self.requests = deque([[asked, self._wanted(frame)]] if asked else [])

    def _wanted(self, frame: int) -> int:
        most = self.capacity // 2 * 2
        if self.capacity >= 2 * FRAME_BYTES:
            most -= FRAME_BYTES - 2
        return min((frame + 1) // 2 * 2, most)

    def spend(self, samples: int) -> None:
        """Audio that may pass the queue is what would have been taken had it been put there."""
        pcm = self._new(samples)
        is_message = bool(
            not self.waiting
            and self.requests
            and self.requests[0][1] <= len(pcm) <= min(self.requests[0][0], MOST_MESSAGE_BYTES)
            and len(pcm) % self.requests[0][1] == 0
        )
        assert self.audio.spend(pcm) is is_message
        if is_message:
            self._count(len(pcm), len(pcm))

    def take(self) -> bool:
        """Takes what can be sent in one go, or tells that it is nothing, and that this is right."""
        pieces = self.audio.take()
        if not pieces:
            self._check_that_nothing_could_be_sent()
        for pcm in pieces:
            self._check_message(pcm)
        return bool(pieces)

    def check(self) -> None:
        """Checks what can be seen at any time."""
        assert self.audio.credit_bytes == sum(remaining for remaining, _ in self.requests)
        assert self.sent + self.audio.credit_bytes <= self.granted
        assert len(self.audio.waiting) == len(self.waiting) <= self.capacity
        assert self.audio.sent_position == self.position
        assert self.audio.end_position == self.position + len(self.waiting)
        assert self.audio.waiting == self.waiting
        assert [speech.rest for speech in self.audio.line] == [rest for _, rest, _ in self.line]
        assert not self.line or self.waiting
        for mark, place in self.marks:
            assert mark.position == place

    def _new(self, samples: int) -> bytes:
        """Every sample is different, so that none is lost, repeated or moved unnoticed."""
        numbers = range(self._samples, self._samples + samples)
        self._samples += samples
        return b"".join((number % 65535 + 1).to_bytes(2, "little") for number in numbers)

    def _move_up(self) -> None:
        """Who is first in line moves up frame by frame, and to the end if there is room."""
        while self.line:
            entry = self.line[0]
            room = self.capacity - len(self.waiting)
            size = len(entry[1]) if len(entry[1]) <= room else room // self.step * self.step
            self.waiting += entry[1][:size]
            entry[1] = entry[1][size:]
            if entry[1]:
                break
            del self.line[0]

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
        assert self.audio.has_tail == bool(self.requests and self.waiting)
        # Speech in line never waits for ever: a queue without room for it can be sent.
        assert not (self.audio.has_tail and self.line)

    def _check_message(self, pcm: bytes) -> None:
        audio, silence = pcm[: len(self.waiting)], pcm[len(self.waiting) :]
        assert audio == self.waiting[: len(audio)]
        assert len(pcm) % 2 == 0
        # A small queue is full before it holds a frame. Silence would tear what is being said.
        if not (is_full := bool(self.line) and audio == self.waiting and not silence):
            assert self._wanted_bytes() <= len(pcm)
        assert len(pcm) <= self.requests[0][0]
        assert (
            is_full
            or len(pcm) % self._wanted_bytes() == 0
            or len(pcm) in {self.requests[0][0], MOST_MESSAGE_BYTES // 2 * 2}
        )
        if silence:
            assert not self.line
            assert self.flushed_to > self.position
            assert not any(silence)
            assert len(pcm) == self._wanted_bytes()
        del self.waiting[: len(audio)]
        self._move_up()
        self._count(len(audio), len(pcm))

    def _count(self, audio_bytes: int, sent_bytes: int) -> None:
        self.position += audio_bytes
        self.sent += sent_bytes
        self.requests[0][0] -= sent_bytes
        if not self.requests[0][0]:
            self.requests.popleft()
