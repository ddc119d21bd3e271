"""Until when an exchange plays, as far as can be told from what it was sent."""

import math

import pytest

from trio_calls.wire.playout_clock import PlayoutClock


def test_nothing_plays_at_first() -> None:
    assert PlayoutClock(100).end == -math.inf


def test_audio_plays_from_when_it_is_sent() -> None:
    clock = PlayoutClock(100)
    clock.sent(50, now=10)
    assert clock.end == 10.5


def test_audio_plays_after_what_was_sent_before() -> None:
    clock = PlayoutClock(100)
    clock.sent(50, now=10)
    clock.sent(50, now=10.25)
    assert clock.end == 11


def test_after_a_pause_it_plays_at_once_again() -> None:
    clock = PlayoutClock(100)
    clock.sent(50, now=10)
    clock.sent(50, now=20)
    assert clock.end == 20.5


def test_what_is_interrupted_plays_no_more() -> None:
    clock = PlayoutClock(100)
    clock.sent(500, now=10)
    clock.interrupt(now=10)
    assert clock.end == -math.inf
    clock.sent(50, now=11)
    assert clock.end == 11.5


def test_the_word_of_the_exchange_sets_it_right() -> None:
    clock = PlayoutClock(100)
    clock.sent(100, now=10)
    assert clock.played(100, now=10.3) == pytest.approx(0.3)
    assert (clock.end, clock.free_at) == pytest.approx((11.3, 11.3))
    clock.sent(50, now=10.4)
    assert clock.end == pytest.approx(11.8)
    clock.played(50, now=11.2)
    assert clock.end == pytest.approx(11.7)


def test_a_late_word_is_about_when_it_was_said() -> None:
    clock = PlayoutClock(100)
    clock.sent(100, now=10)
    clock.played(50, now=11, late_seconds=0.2)
    assert clock.end == pytest.approx(11.3)


def test_nothing_plays_before_it_can() -> None:
    """An exchange may count what it takes in order to play it, and no word is later than that."""
    clock = PlayoutClock(100)
    clock.sent(100, now=10)
    clock.played(100, now=10.5)
    clock.played(0, now=10.6)
    assert clock.end == 11
    clock.played(60, now=10.8, late_seconds=5)
    assert clock.end == 11


def test_a_clock_that_takes_over_knows_when_it_can_play() -> None:
    clock, other = PlayoutClock(100), PlayoutClock(100)
    clock.sent(100, now=10)
    clock.played(100, now=10.5)
    other.go_on_from(clock)
    assert other.end == other.free_at == 11.5
    other.played(0, now=10.6)
    assert other.end == 11


def test_what_was_played_long_ago_stays_where_it_was() -> None:
    clock = PlayoutClock(100)
    assert clock.played(0, now=5) == 0
    clock.sent(100, now=10)
    assert clock.played(0, now=20) == 0
    assert clock.end == 11


def test_a_backdrop_that_plays_late_makes_what_was_said_late() -> None:
    clock = PlayoutClock(100)
    clock.sent(100, now=10)
    clock.filled(100, now=10)
    clock.played(200, now=10.5)
    assert (clock.end, clock.free_at) == pytest.approx((11.5, 12.5))
