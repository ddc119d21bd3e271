"""Which place in what was said is being heard, as far as can be told from what was pulled."""

import sys

import pytest

from trio_calls.wire.heard_clock import HeardClock
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio


class Exchange:
    """Pulls 100 bytes a second, in frames of 10."""

    def __init__(self) -> None:
        self.audio = OutgoingAudio(1000, frame_bytes=10)
        self.clock = HeardClock(100, self.audio)

    def pull(self, size: int, now: float) -> None:
        self.audio.grant(Credit(size, 10))
        before = self.audio.sent_bytes
        while self.audio.take():
            pass
        self.clock.sent(self.audio.sent_bytes - before, now)


def test_nothing_was_heard_at_first() -> None:
    assert Exchange().clock.heard_position(10) == 0


def test_speech_is_heard_as_fast_as_it_plays() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    exchange.pull(50, now=10)
    heard = [exchange.clock.heard_position(10 + second) for second in (0, 0.2, 0.5, 3)]
    assert heard == pytest.approx([0, 20, 50, 50])


def test_what_is_pulled_ahead_is_heard_later() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    exchange.pull(50, now=10)
    exchange.pull(50, now=10.1)
    assert exchange.clock.heard_position(10.3) == pytest.approx(30)
    assert exchange.clock.heard_position(10.6) == pytest.approx(60)
    assert exchange.clock.heard_position(11) == pytest.approx(100)


def test_a_gap_is_not_heard() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    exchange.pull(50, now=10)
    exchange.pull(50, now=20)
    assert exchange.clock.heard_position(15) == pytest.approx(50)
    assert exchange.clock.heard_position(20.1) == pytest.approx(60)


def test_the_silence_that_fills_a_frame_is_no_speech() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(4))
    exchange.audio.flush()
    exchange.pull(10, now=10)
    exchange.audio.put(bytes(10))
    exchange.pull(10, now=10.06)
    assert exchange.clock.heard_position(10.05) == pytest.approx(4)
    assert exchange.clock.heard_position(10.1) == pytest.approx(4)
    assert exchange.clock.heard_position(10.15) == pytest.approx(9)


def test_what_is_interrupted_is_heard_no_further() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    exchange.pull(50, now=10)
    exchange.clock.interrupt(10.2)
    assert exchange.clock.heard_position(11) == pytest.approx(20)
    exchange.pull(50, now=12)
    assert exchange.clock.heard_position(12) == pytest.approx(20)
    assert exchange.clock.heard_position(12.1) == pytest.approx(60)


def test_what_was_said_before_it_was_followed_counts_as_heard() -> None:
    audio = OutgoingAudio(1000, frame_bytes=10)
    audio.put(bytes(20))
    audio.grant(Credit(20, 10))
    audio.take()
    assert HeardClock(100, audio).heard_position(0) == 20


def test_an_exchange_that_says_it_plays_late_is_believed() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    exchange.pull(100, now=10)
    exchange.clock.played(100, now=12)
    assert exchange.clock.heard_position(12.05) == pytest.approx(5)
    assert exchange.clock.heard_at(100) == pytest.approx(13)
    exchange.clock.played(50, now=13)
    assert exchange.clock.heard_position(13) == pytest.approx(50)
    exchange.clock.played(0, now=13.4)
    assert exchange.clock.heard_position(20) == pytest.approx(100)


def test_what_an_exchange_has_not_told_of_was_not_heard() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    exchange.pull(100, now=10)
    heard_at: list[float] = []
    exchange.clock.watch(exchange.audio.mark_at(100), heard_at.append)
    exchange.clock.played(100, now=10)
    assert exchange.clock.heard_position(99) == pytest.approx(18)
    exchange.clock.look(99)
    assert heard_at == []


def test_a_long_frame_is_heard_to_its_end() -> None:
    """The exchange is done with it when it begins to play it, and has nothing to tell after it."""
    audio = OutgoingAudio(1000, frame_bytes=50)
    clock = HeardClock(100, audio)
    audio.put(bytes(100))
    audio.grant(Credit(100, 50))
    audio.take()
    clock.sent(100, now=10)
    clock.played(50, now=10)
    clock.played(0, now=10.5)
    assert clock.heard_position(11) == pytest.approx(100)


def test_the_first_sound_is_told_when_the_exchange_tells_of_it() -> None:
    exchange = Exchange()
    exchange.audio.put(bytes(100))
    heard_at: list[float] = []
    exchange.clock.watch(exchange.audio.mark_at(0), heard_at.append)
    exchange.clock.played(0, now=9)
    exchange.pull(100, now=10)
    assert heard_at == []
    exchange.clock.played(90, now=12)
    assert heard_at == pytest.approx([11.9])


def test_a_word_costs_the_same_however_much_waits() -> None:
    """The exchange speaks fifty times a second, and decides how much it lets wait."""

    def calls(pieces: int) -> int:
        exchange = Exchange()
        exchange.audio.put(bytes(10 * pieces))
        for _ in range(pieces):
            exchange.pull(10, now=10)
        events = []
        sys.setprofile(lambda frame, event, argument: events.append(event))
        exchange.clock.played(10 * pieces, now=12)
        sys.setprofile(None)
        return len(events)

    assert calls(100) == calls(1)
