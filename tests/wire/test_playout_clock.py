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
    clock.played(0, now=11)
    assert clock.end == pytest.approx(11)


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
