"""`OutgoingAudio` against a plain model, through any sequence of what can happen to it."""

from collections import deque
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trio_calls.errors import BufferFullError
from trio_calls.wire.media import MAX_REQUESTED_BYTES, BufferRequest
from trio_calls.wire.outgoing_audio import MAX_OPEN_REQUESTS, OutgoingAudio

sizes = st.integers(1, 50) | st.sampled_from([960, 961, 1920]) | st.integers(1, MAX_REQUESTED_BYTES)


class OutgoingAudioMachine(RuleBasedStateMachine):
    @initialize(capacity=st.integers(1, 5000))
    def start(self, capacity: int) -> None:
        self.audio = OutgoingAudio(capacity)
        self.capacity = capacity
        self.samples = count(1)
        self.waiting = bytearray()
        self.position = 0
        self.flushed_to = 0
        self.granted = 0
        self.sent = 0
        self.requests: deque[list[int]] = deque()

    @rule(samples=st.integers(0, 1500))
    def put(self, samples: int) -> None:
        numbers = (next(self.samples) % 65535 + 1 for _ in range(samples))
        pcm = b"".join(number.to_bytes(2, "little") for number in numbers)
        fits = len(self.waiting) + len(pcm) <= self.capacity
        try:
            self.audio.put(pcm)
        except BufferFullError:
            assert not fits
        else:
            assert fits
            self.waiting += pcm

    @rule()
    def clear(self) -> None:
        assert self.audio.clear() == len(self.waiting)
        self.position += len(self.waiting)
        self.waiting.clear()

    @rule()
    def flush(self) -> None:
        self.flushed_to = self.audio.flush()
        assert self.flushed_to == self.position + len(self.waiting)

    @rule(requested=sizes, frame=sizes)
    def grant(self, requested: int, frame: int) -> None:
        self.audio.grant(BufferRequest(requested, frame))
        self.granted += requested
        whole = requested // 2 * 2
        if whole and len(self.requests) < MAX_OPEN_REQUESTS:
            self.requests.append([whole, (frame + 1) // 2 * 2])
        elif whole:
            self.requests[-1][0] += whole

    @rule(times=st.integers(50, 100))
    def grant_many(self, times: int) -> None:
        for _ in range(times):
            self.grant(4, 2)

    @rule()
    def take(self) -> None:
        pcm = self.audio.take()
        if pcm is None:
            self.check_that_nothing_could_be_sent()
        else:
            self.check_message(pcm)

    @precondition(lambda self: self.requests and self.waiting)
    @rule()
    def take_all(self) -> None:
        while (pcm := self.audio.take()) is not None:
            self.check_message(pcm)
        self.check_that_nothing_could_be_sent()

    def wanted_bytes(self) -> int:
        """What a message must hold: a frame, or what is left of the request, or of the queue."""
        remaining, frame = self.requests[0]
        return min(frame, remaining, self.capacity // 2 * 2)

    def check_that_nothing_could_be_sent(self) -> None:
        assert (
            not self.requests
            or not self.waiting
            or (len(self.waiting) < self.wanted_bytes() and self.flushed_to <= self.position)
        )

    def check_message(self, pcm: bytes) -> None:
        audio, silence = pcm[: len(self.waiting)], pcm[len(self.waiting) :]
        assert audio == self.waiting[: len(audio)]
        assert len(pcm) % 2 == 0
        assert self.wanted_bytes() <= len(pcm) <= self.requests[0][0]
        if silence:
            assert self.flushed_to > self.position
            assert not any(silence)
            assert len(pcm) == self.wanted_bytes()
        self.sent += len(pcm)
        self.position += len(audio)
        del self.waiting[: len(audio)]
        self.requests[0][0] -= len(pcm)
        if not self.requests[0][0]:
            self.requests.popleft()

    @invariant()
    def nothing_is_sent_beyond_the_credit(self) -> None:
        assert self.sent <= self.granted
        assert self.audio.credit_bytes == sum(remaining for remaining, _ in self.requests)
        assert self.sent + self.audio.credit_bytes <= self.granted

    @invariant()
    def positions_count_every_byte(self) -> None:
        assert len(self.audio) == len(self.waiting) <= self.capacity
        assert self.audio.sent_position == self.position
        assert self.audio.end_position == self.position + len(self.waiting)


test_outgoing_audio_is_like_its_model = OutgoingAudioMachine.TestCase
