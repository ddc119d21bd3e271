"""How late a word is can be told from the audio that came before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_calls.audio import FRAME_SECONDS
from trio_calls.simulator.phones.flow_buffer import FlowBuffer
from trio_calls.wire.heard_clock import HeardClock
from trio_calls.wire.lateness import MOST_SECONDS, Lateness
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio

FRAME = 960
RATE = 48_000


def test_what_is_behind_what_came_in_time_is_late() -> None:
    lateness = Lateness(100)
    assert lateness.of(100, now=11) == 0
    assert lateness.of(200, now=12.3) == pytest.approx(0.3)
    assert lateness.of(220, now=12.3) == pytest.approx(0.1)
    assert lateness.of(300, now=13) == pytest.approx(0)


def test_without_audio_nothing_is_known() -> None:
    lateness = Lateness(100)
    assert lateness.of(0, now=5) == 0
    assert lateness.of(100, now=50) == 0


def test_what_comes_sooner_than_ever_is_in_time_from_now_on() -> None:
    lateness = Lateness(100)
    lateness.of(100, now=11)
    assert lateness.of(200, now=11.9) == 0
    assert lateness.of(300, now=13) == pytest.approx(0.1)


def test_a_while_without_audio_is_no_lateness() -> None:
    lateness = Lateness(100)
    lateness.of(100, now=11)
    assert lateness.of(200, now=12 + MOST_SECONDS + 0.01) == 0
    assert lateness.of(300, now=13 + MOST_SECONDS + 0.01) == pytest.approx(0)


def test_words_without_audio_in_between_are_no_later() -> None:
    """Nobody sends silence, perhaps."""
    lateness = Lateness(100)
    lateness.of(100, now=11)
    assert [lateness.of(100, now=11 + tenths / 10) for tenths in range(1, 10)] == [0] * 9
    assert lateness.of(110, now=12) == pytest.approx(0)
    assert lateness.of(200, now=13.2) == pytest.approx(0.3)
    assert lateness.of(200, now=13.7) == pytest.approx(0.3)


def test_audio_that_is_counted_anew_is_in_time() -> None:
    lateness = Lateness(100)
    lateness.of(50, now=11)
    assert lateness.of(20, now=11.1) == 0
    assert lateness.of(30, now=11.5) == pytest.approx(0.3)


def test_without_audio_what_was_heard_is_what_the_exchange_says() -> None:
    """It begins to play what it was sent when that has come, late."""
    audio, lateness = OutgoingAudio(100 * FRAME), Lateness(RATE)
    clock = HeardClock(RATE, audio)
    lateness.of(FRAME, now=0)
    audio.grant(Credit(50 * FRAME, FRAME))
    audio.put(bytes(50 * FRAME))
    audio.take()
    clock.sent(50 * FRAME, now=9.6)
    for frames in range(1, 51):
        now = 10 + frames * FRAME_SECONDS
        clock.played((50 - frames) * FRAME, now, lateness.of(FRAME, now))
        assert clock.heard_position(now) == pytest.approx(frames * FRAME, abs=1)


def test_a_way_that_stays_longer_is_the_way_it_takes() -> None:
    """And a clock that is slower than ours is no growing lateness."""
    lateness = Lateness(100)
    lateness.of(100, now=1)
    late = [lateness.of(100 * second, now=second + 0.5) for second in range(2, 30)]
    assert late[:9] == pytest.approx([0.5] * 9)
    assert late[-9:] == pytest.approx([0] * 9)


def test_what_came_in_time_long_ago_says_nothing_of_now() -> None:
    """An agent that is silent hears no word, and the clocks of two machines drift apart."""
    lateness = Lateness(100)
    lateness.of(100, now=1)
    assert lateness.of(360_000, now=3600.5) == 0
    assert lateness.of(360_100, now=3601.6) == pytest.approx(0.1)


class LateExchange:
    """An exchange that plays as it promises, and an agent that hears of it late.

    Attributes:
      ticks: how many frames have been played, or would have been.
      clock: what the agent makes of it.
    """

    def __init__(self) -> None:
        self.ticks = 0
        self.audio = OutgoingAudio(2000 * FRAME)
        self.clock = HeardClock(RATE, self.audio)
        self.heard = 0
        self._lateness = Lateness(RATE)
        self._buffer = FlowBuffer(FRAME)
        self._on_the_way: list[tuple[float, int, int, int]] = []
        self._arrival = 0.0
        self._tell()

    def tick(self, delay: float) -> None:
        """Play a frame, and tell of it so much later, but after what was told before."""
        self.ticks += 1
        self._arrival = max(self._arrival, self.ticks * FRAME_SECONDS + delay)
        has_played = self._buffer.take_frame() is not None
        if has_played:
            self.heard += FRAME
        if has_played or self.ticks == 1:
            self._tell()

    def _tell(self) -> None:
        granted = self._buffer.grant()
        word = granted, 48 * self._buffer.drained_ms, FRAME * self.ticks
        self._on_the_way.append((self._arrival, *word))

    def arrive(self, until: float) -> None:
        """Let the agent hear what comes until then, and answer it."""
        while self._on_the_way and self._on_the_way[0][0] <= until:
            now, granted, played, told = self._on_the_way.pop(0)
            unplayed = self.audio.sent_bytes - played
            self.clock.played(unplayed, now, self._lateness.of(told, now))
            self.audio.grant(Credit(granted, FRAME))
            self.send(now)

    def send(self, now: float) -> None:
        """Send what may be sent; it takes no time."""
        for pcm in self.audio.take():
            self._buffer.put(pcm)
            self.clock.sent(len(pcm), now)


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 0, 0, 5, 12]), st.floats(0, 0.3)), min_size=1, max_size=100
    )
)
def test_what_was_heard_is_known_however_late_it_is_told(said: list[tuple[int, float]]) -> None:
    """Once the exchange was heard in time, to a frame."""
    exchange = LateExchange()
    for frames, delay in [(0, 0.0), *said]:
        now = exchange.ticks * FRAME_SECONDS
        exchange.arrive(now)
        exchange.audio.put(bytes(frames * FRAME))
        exchange.send(now)
        for moment in (now, now + 0.3 * FRAME_SECONDS, now + 0.9 * FRAME_SECONDS):
            exchange.arrive(moment)
            assert abs(exchange.clock.heard_position(moment) - exchange.heard) <= FRAME + 1
        exchange.tick(delay)
