"""`OutgoingAudio` against a plain model, through any sequence of what can happen to it."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.outgoing_audio_model import OutgoingAudioModel
from trio_calls.wire.first.media import MAX_REQUESTED_BYTES
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio

pytestmark = pytest.mark.slow

sizes = st.integers(1, 50) | st.sampled_from([960, 961, 1920]) | st.integers(1, MAX_REQUESTED_BYTES)


class OutgoingAudioMachine(RuleBasedStateMachine):
    @initialize(capacity=st.integers(2, 5000))
    def start(self, capacity: int) -> None:
        self.audio = OutgoingAudio(capacity)
        self.model = OutgoingAudioModel(self.audio, capacity)

    @rule(samples=st.integers(0, 1500))
    def put(self, samples: int) -> None:
        self.model.put(samples)

    @rule(samples=st.integers(0, 3000))
    def line_up(self, samples: int) -> None:
        self.model.line_up(samples)

    @precondition(lambda self: self.model.line)
    @rule(number=st.integers(0, 5))
    def withdraw(self, number: int) -> None:
        self.model.withdraw(number)

    @rule()
    def clear(self) -> None:
        self.model.clear()

    @rule()
    def flush(self) -> None:
        self.model.flush()

    @rule(requested=sizes, frame=sizes)
    def grant(self, requested: int, frame: int) -> None:
        self.audio.grant(Credit(requested, frame))
        self.model.granted_more(requested, frame)

    @rule(frame=sizes)
    def prefer_another_frame(self, frame: int) -> None:
        self.audio.grant(Credit(0, frame))
        self.model.prefers(frame)

    @rule(times=st.integers(50, 100))
    def grant_many(self, times: int) -> None:
        for _ in range(times):
            self.grant(4, 2)

    @rule(samples=st.integers(1, 1500))
    def spend(self, samples: int) -> None:
        self.model.spend(samples)

    @rule()
    def take(self) -> None:
        self.model.take()

    @precondition(lambda self: self.model.requests and self.model.waiting)
    @rule()
    def take_all(self) -> None:
        while self.model.take():
            pass

    @invariant()
    def it_is_like_its_model(self) -> None:
        self.model.check()


test_outgoing_audio_is_like_its_model = OutgoingAudioMachine.TestCase
